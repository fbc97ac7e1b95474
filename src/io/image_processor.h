// The settings of the image processor that a checkpoint folder holds.
#pragma once

#include <filesystem>
#include <string>

namespace ccexpert::io {

/// The file that holds nothing else.
inline constexpr const char* kImageProcessorFile = "preprocessor_config.json";

struct ImageProcessorText {
  std::string json;    ///< empty if the folder holds none
  std::string source;  ///< where it stands, for messages
};

/// The object image_processor of processor_config.json, as transformers 5 writes it; without one, the text of
/// preprocessor_config.json. Throws Error if both are there and say different things of what an image
/// becomes.
ImageProcessorText read_image_processor(const std::filesystem::path& folder);

}  // namespace ccexpert::io

// Image processor settings of a checkpoint folder.
#pragma once

#include <filesystem>
#include <string>

namespace ccexpert::io {

/// File that contains only these settings.
inline constexpr const char* kImageProcessorFile = "preprocessor_config.json";

struct ImageProcessorText {
  std::string json;    ///< empty if the folder has none
  std::string source;  ///< its place, for messages
};

/// Returns the object image_processor of processor_config.json, as transformers 5 writes it; without it, the
/// text of preprocessor_config.json. Throws Error if both exist and specify different preprocessing.
ImageProcessorText read_image_processor(const std::filesystem::path& folder);

}  // namespace ccexpert::io

// preprocessor_config.json to what the image room needs.
#pragma once

#include <string>
#include <string_view>

#include <ccexpert/image/preprocess.h>
#include <ccexpert/model/config.h>

namespace ccexpert {

inline constexpr std::string_view kPreprocessorFile = "preprocessor_config.json";

/// Mean, deviation and aspect mode from the checkpoint's texts; `preprocessor_json` may be empty, `source` is
/// where it stands. The size is the vision transformer's. Throws Error for a processor that does something
/// else to an image, and for numbers that no normalisation has.
PreprocessConfig parse_preprocess_config(std::string_view preprocessor_json, std::string_view config_json,
                                         const VisionConfig& vision,
                                         std::string_view source = kPreprocessorFile);

/// The text of a processor for a vision transformer whose images are `side` px wide: as it is where it says
/// so already, or is empty.
std::string preprocessor_for(std::string preprocessor_json, int64_t side);

}  // namespace ccexpert

// Conversion of preprocessor_config.json to the settings of the image room.
#pragma once

#include <string>
#include <string_view>

#include <ccexpert/image/preprocess.h>
#include <ccexpert/model/config.h>

namespace ccexpert {

inline constexpr std::string_view kPreprocessorFile = "preprocessor_config.json";

/// Returns mean, deviation and aspect mode from the checkpoint's texts; `preprocessor_json` may be empty,
/// `source` is its place. The size is the vision transformer's. Throws Error for a processor with other
/// steps, and for numbers outside any valid normalisation.
PreprocessConfig parse_preprocess_config(std::string_view preprocessor_json, std::string_view config_json,
                                         const VisionConfig& vision,
                                         std::string_view source = kPreprocessorFile);

/// Returns the text of a processor for a vision transformer whose images are `side` px wide: unchanged if it
/// already has that size, or is empty.
std::string preprocessor_for(std::string preprocessor_json, int64_t side);

}  // namespace ccexpert

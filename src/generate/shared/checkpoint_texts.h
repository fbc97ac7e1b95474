/// Settings in the texts of a checkpoint folder that are neither the model's nor the decoding's.
#pragma once

#include <string>
#include <string_view>

#include <ccexpert/image/preprocess.h>
#include <ccexpert/model/config.h>

namespace ccexpert::generate {

inline constexpr std::string_view kPreprocessorFile = "preprocessor_config.json";

/// Returns mean, deviation and aspect mode from the checkpoint's texts; `preprocessor_json` may be empty,
/// `source` is its place. The size is the vision transformer's. Throws Error for a processor with other
/// steps, and for numbers outside any valid normalisation.
image::PreprocessConfig parse_preprocess_config(std::string_view preprocessor_json,
                                                std::string_view config_json,
                                                const model::VisionConfig& vision,
                                                std::string_view source = kPreprocessorFile);

/// Returns the text of a processor for a vision transformer whose images are `side` px wide: unchanged if it
/// already has that size, or is empty.
std::string preprocessor_for(std::string preprocessor_json, int64_t side);

/// Returns the question that the model was trained with, "ccexpert_question" in a config.json; empty if it is
/// absent. `source` starts error messages. Throws Error for a value that is not a question.
std::string trained_question(std::string_view config_json, const std::string& source);

/// Returns the config.json with that question. Programs that do not know the key ignore it.
std::string with_trained_question(std::string_view config_json, std::string_view question);

/// Returns the config.json with a note that the matrices have 8 bits, which our programs see in the weights.
std::string with_int8_note(std::string_view config_json);

}  // namespace ccexpert::generate

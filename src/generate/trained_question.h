// The question that a model was trained with, stored in its config.json.
#pragma once

#include <string>
#include <string_view>

namespace ccexpert {

/// Returns the value of "ccexpert_question" in a config.json; empty if it is absent. `source` starts error
/// messages. Throws Error for a value that is not a question.
std::string trained_question(std::string_view config_json, const std::string& source);

/// Returns the config.json with that question. Programs that do not know the key ignore it.
std::string with_trained_question(std::string_view config_json, std::string_view question);

}  // namespace ccexpert

// YAML text to nodes, bounded.
#pragma once

#include <string>

#include <yaml-cpp/yaml.h>

namespace ccexpert {

/// The node of a text's one document. Error, beginning with `source`, for text that is not YAML, holds
/// several documents or a key that is not a text, repeats a key, or holds more values, or deeper ones, than a
/// config has. Aliases count as what they stand for, and none may stand within its own anchor.
YAML::Node load_yaml(const std::string& text, const std::string& source);

}  // namespace ccexpert

// Parsing of YAML text to nodes, within limits.
#pragma once

#include <string>

#include <yaml-cpp/yaml.h>

namespace ccexpert {

/// Returns the node of a text's only document. Throws Error, beginning with `source`, for text that is not
/// YAML, contains several documents, a key that is not a string or an escape \N or \_, repeats a key, or has
/// more values or deeper nesting than a config needs. An alias counts as the values it refers to, and must
/// not be inside its own anchor.
YAML::Node load_yaml(const std::string& text, const std::string& source);

}  // namespace ccexpert

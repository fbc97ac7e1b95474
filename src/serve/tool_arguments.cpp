#include "serve/tool_arguments.h"

#include <string>

#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>

namespace ccexpert::serve {
namespace {

/// Returns the keys of an object as "a, b or c".
std::string keys_of(const nlohmann::ordered_json& object) {
  std::string text;
  size_t left = object.size();
  for (const auto& [key, value] : object.items()) {
    --left;
    if (!text.empty()) text += left == 0 ? " or " : ", ";
    text += key;
  }
  return text;
}

}  // namespace

void expect_known_arguments(const nlohmann::json& arguments, std::string_view tool) {
  const auto known = nlohmann::ordered_json::parse(tool).at("inputSchema").at("properties");
  for (const auto& [key, value] : arguments.items()) {
    if (!known.contains(key)) fail_expected({key, keys_of(known), "another key"});
  }
}

}  // namespace ccexpert::serve

// JSON text to values and config structs, with errors that name the file and the key.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>

#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/core/fields.h>

namespace ccexpert {

/// Parses JSON text; `source` (a file name) begins the Error of text that is none.
inline nlohmann::json parse_json(std::string_view text, std::string_view source) {
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    const std::string_view reason = error.what();
    // The library's own prefix "[json.exception.parse_error.101] " says nothing to a user.
    const auto start = reason.find("] ");
    fail({source, "JSON", start == std::string_view::npos ? reason : reason.substr(start + 2)});
  }
}

/// A value as a message shows it. What holds others is named by its type: writing it out could take as many
/// calls within calls as it is deep.
inline std::string json_shown(const nlohmann::json& value) {
  if (value.is_array()) return "an array";
  if (value.is_object()) return "an object";
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).substr(0, 60);
}

template <class Value>
constexpr std::string_view json_type_name() {
  if constexpr (std::is_same_v<Value, bool>) return "true or false";
  if constexpr (std::is_integral_v<Value>) return "an integer";
  if constexpr (std::is_floating_point_v<Value>) return "a number";
  if constexpr (std::is_same_v<Value, std::string>) return "a string";
  return "another type";
}

template <class Value>
bool json_holds(const nlohmann::json& value) {
  if constexpr (std::is_same_v<Value, bool>) return value.is_boolean();
  if constexpr (std::is_integral_v<Value>) return value.is_number_integer();
  if constexpr (std::is_floating_point_v<Value>) return value.is_number();
  if constexpr (std::is_same_v<Value, std::string>) return value.is_string();
  return true;
}

/// `object[key]` as a Value, or `fallback` where the key is absent or null; Error where it has another type.
template <class Value>
Value json_value(const nlohmann::json& object, const std::string& key, Value fallback,
                 std::string_view source) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return fallback;
  if (!json_holds<Value>(*found)) {
    fail({std::string(source) + ": " + key, json_type_name<Value>(), json_shown(*found)});
  }
  return found->get<Value>();
}

/// Sets every field of `config` that `object` names; keys that are no field are left alone, as a checkpoint's
/// config.json holds many that do not concern us.
template <class Config>
void read_fields(const nlohmann::json& object, Config& config, std::string_view source) {
  for_each_field<Config>([&](const auto& each) {
    config.*each.member = json_value(object, each.name, config.*each.member, source);
  });
}

}  // namespace ccexpert

// JSON text to values and config structs, with errors that name the file and the key.
#pragma once

#include <cstddef>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/core/fields.h>

namespace ccexpert {

/// What a text may make the program hold. A deeper value would be walked by as many calls within calls.
struct JsonLimits {
  std::string_view expected = "JSON";  ///< what messages call the text
  size_t depth = 64;                   ///< containers within each other
  size_t values = size_t{1} << 24;     ///< values and keys together (a value takes up to 80 bytes)
};

/// Parses JSON text; Error, beginning with `source` (a file name), for text that is not JSON, repeats a key
/// of an object, or passes a limit.
nlohmann::json parse_json(std::string_view text, std::string_view source, const JsonLimits& limits = {});
/// The same with keys in the order of the text.
nlohmann::ordered_json parse_ordered_json(std::string_view text, std::string_view source);
/// The value, or nothing where parse_json would throw.
std::optional<nlohmann::json> try_parse_json(std::string_view text);

/// Gives what a text holds to `events`, checked as by parse_json. For a file of any length: its number of
/// values has no limit, those that are kept together are for `events` to count.
void parse_json_events(std::istream& text, nlohmann::json_sax<nlohmann::json>& events,
                       std::string_view source);

/// A value as a message shows it, in at most 60 bytes or so. What holds others is named by its type.
std::string json_shown(const nlohmann::json& value);

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

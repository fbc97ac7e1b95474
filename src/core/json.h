// Conversion of JSON text to values and config structs, with errors that name the file and the key.
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

/// Limits of a parsed text, against exhausted memory and (depth) a stack overflow in recursive readers.
struct JsonLimits {
  std::string_view expected = "JSON";  ///< name of the text in messages
  size_t depth = 64;                   ///< nested containers
  size_t values = size_t{1} << 24;     ///< values and keys together (a value takes up to 80 bytes)
};

/// Parses JSON text. Throws Error, beginning with `source` (a file name), for text that is not JSON, repeats
/// a key of an object, or exceeds a limit.
nlohmann::json parse_json(std::string_view text, std::string_view source, const JsonLimits& limits = {});
/// Same as parse_json, with keys in the order of the text.
nlohmann::ordered_json parse_ordered_json(std::string_view text, std::string_view source);
/// Returns the value, or nullopt if parse_json would throw.
std::optional<nlohmann::json> try_parse_json(std::string_view text);

/// Sends the values of a text to `events`, checked as by parse_json. Works for a file of any length: the
/// number of values is unlimited, and `events` must limit those that it keeps.
void parse_json_events(std::istream& text, nlohmann::json_sax<nlohmann::json>& events,
                       std::string_view source);

/// Returns the library's reason without its prefix "[json.exception.parse_error.101] ".
std::string json_reason(const nlohmann::json::exception& error);

/// Returns a value for a message, in about 60 bytes at most. Arrays and objects are named by their type.
std::string json_shown(const nlohmann::json& value);

template <class Value>
constexpr std::string_view json_type_name() {
  if constexpr (std::is_same_v<Value, bool>) return "true or false";
  if constexpr (std::is_integral_v<Value>) return "an integer";
  if constexpr (std::is_floating_point_v<Value>) return "a number";
  if constexpr (std::is_same_v<Value, std::string> || Worded<Value>) return "a string";
  return "another type";
}

template <class Value>
bool json_holds(const nlohmann::json& value) {
  if constexpr (std::is_same_v<Value, bool>) return value.is_boolean();
  if constexpr (std::is_integral_v<Value>) return value.is_number_integer();
  if constexpr (std::is_floating_point_v<Value>) return value.is_number();
  if constexpr (std::is_same_v<Value, std::string> || Worded<Value>) return value.is_string();
  return true;
}

/// Returns `object[key]` as a Value, or `fallback` if the key is absent or null. Throws Error for another
/// type, and for a value outside of `limits`.
template <class Value>
Value json_value(const nlohmann::json& object, const std::string& key, Value fallback,
                 std::string_view source, const Limits& limits = {}) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return fallback;
  const auto place = [&] { return std::string(source) + ": " + key; };
  if (!json_holds<Value>(*found)) fail_expected({place(), json_type_name<Value>(), json_shown(*found)});
  if constexpr (Worded<Value>) {
    return parse_text<Value>(found->get_ref<const std::string&>(), place(), limits);
  } else {
    auto value = found->get<Value>();
    if (const auto refusal = refusal_of(limits, value))
      fail_expected({place(), refusal->expected, refusal->got, refusal->hint});
    return value;
  }
}

/// Sets every field of `config` that `object` names; ignores other keys, since a checkpoint's config.json has
/// many that are not used here.
template <class Config>
void read_fields(const nlohmann::json& object, Config& config, std::string_view source) {
  for_each_field<Config>([&](const auto& each) {
    config.*each.member = json_value(object, each.name, config.*each.member, source, each.limits);
  });
}

}  // namespace ccexpert

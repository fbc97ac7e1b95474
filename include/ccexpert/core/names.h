/// Names of an enum's values, listed once beside the enum. YAML, JSON, command lines, help texts and errors
/// derive from that list.
///
///     enum class Decay { kCosine, kConstant };
///     constexpr auto names_of(Decay) {
///       return std::to_array<Name<Decay>>({{Decay::kCosine, "cosine"}, {Decay::kConstant, "constant"}});
///     }
#pragma once

#include <array>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace ccexpert {

/// Name of an enum's value.
template <class Enum>
struct Name {
  Enum value;                   ///< choice of this name
  const char* text;             ///< in files and messages; "": the value means that the option is not set
  const char* alias = nullptr;  ///< also accepted, never written
};

/// Enum with a list of names.
template <class Value>
concept Named = std::is_enum_v<Value> && requires(Value value) {
  names_of(value);
};

/// Returns the name of a value.
template <Named Enum>
constexpr std::string_view name_of(Enum value) {
  for (const auto& each : names_of(value)) {
    if (each.value == value) return each.text;
  }
  return {};
}

/// Returns the value with this name or alias, if there is one.
template <Named Enum>
constexpr std::optional<Enum> value_named(std::string_view text) {
  for (const auto& each : names_of(Enum{})) {
    if (text == each.text || (each.alias != nullptr && text == each.alias)) return each.value;
  }
  return std::nullopt;
}

/// Class of values with a text form beyond a list of names, such as "cuda:1" or "first:10%".
template <class Value>
concept HasText = requires(std::string_view text, const Value& value) {
  { Value::from_text(text) } -> std::same_as<std::optional<Value>>;  // nothing for another text
  { value.text() } -> std::same_as<std::string>;
  { Value::kForms } -> std::convertible_to<std::string_view>;  // all forms in words, for messages
};

/// Type of values that are words in files and command lines.
template <class Value>
concept Worded = Named<Value> || HasText<Value>;

/// Returns a value in the form in which it is read.
template <Worded Value>
std::string text_of(const Value& value) {
  if constexpr (Named<Value>) return std::string(name_of(value));
  if constexpr (HasText<Value>) return value.text();
}

}  // namespace ccexpert

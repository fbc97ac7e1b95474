/// Reflection of config structs: each lists its fields once, and parsing, printing, help, ranges and errors
/// derive from that list.
///
///     struct VisionConfig {
///       int64_t hidden_size = 1152;
///       static constexpr auto fields() {
///         return std::tuple{
///             field("hidden_size", &VisionConfig::hidden_size, "width of a patch feature", at_least(1))};
///       }
///     };
#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include <ccexpert/core/error.h>
#include <ccexpert/core/limits.h>

namespace ccexpert {

/// Member of a config struct: its name in files, its pointer, one sentence of help with unit and off value,
/// and the accepted values if its type has others.
template <class Config, class Value>
struct Field {
  const char* name;       ///< in files and on command lines
  Value Config::*member;  ///< pointer to the member
  const char* help;       ///< one sentence with unit and off value
  Limits limits = {};     ///< accepted values
};

template <class Config, class Value>  ///< Returns a field, for the list of a struct
constexpr Field<Config, Value> field(const char* name, Value Config::*member, const char* help,
                                     const Limits& limits = {}) {
  return {name, member, help, limits};
}

/// Struct that lists its fields.
template <class Value>
concept HasFields = requires {
  Value::fields();
};

/// List of structs that list their fields.
template <class Value>
concept HoldsFields = requires {
  requires HasFields<typename Value::value_type>;
};

/// Calls `visit(field)` for every field of `Config` in the order of its list.
template <class Config, class Visit>
void for_each_field(Visit&& visit) {
  std::apply([&](const auto&... each) { (visit(each), ...); }, Config::fields());
}

/// Returns the names of all fields of `Config`, in order.
template <class Config>
std::vector<std::string> field_names() {
  std::vector<std::string> names;
  for_each_field<Config>([&](const auto& each) { names.emplace_back(each.name); });
  return names;
}

/// Returns the help of a field with its choices or range: "weight decay; at least 0".
template <class Config, class Value>
std::string help_of(const Field<Config, Value>& field) {
  const auto accepted = accepted_in_words<Value>(field.limits);
  return accepted.empty() ? field.help : std::string(field.help) + "; " + accepted;
}

/// Throws Error for the first value outside of its field's limits; `place(key)` begins the message, with a
/// key such as "section.list[2].name".
template <class Config, class PlaceOf>
void check_fields(const Config& config, const PlaceOf& place, const std::string& prefix = {}) {
  for_each_field<Config>([&](const auto& each) {
    const auto& value = config.*each.member;
    using Value = std::remove_cvref_t<decltype(value)>;
    if constexpr (HasFields<Value>) {
      check_fields(value, place, prefix + each.name + ".");
    } else if constexpr (HoldsFields<Value>) {
      for (size_t i = 0; i < value.size(); ++i)
        check_fields(value[i], place, prefix + each.name + "[" + std::to_string(i) + "].");
    } else if (const auto refusal = refusal_of(each.limits, value)) {
      fail_expected({place(prefix + each.name), refusal->expected, refusal->got, refusal->hint});
    }
  });
}

/// Returns the candidate closest to `name` by edit distance, or "" if none is close enough to be a likely
/// typo.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace ccexpert

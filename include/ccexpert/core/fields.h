/// Reflection of config structs: each lists its fields once, and parsing, printing, help and unknown-name
/// errors derive from that list.
///
///     struct VisionConfig {
///       int64_t hidden_size = 1152;
///       static constexpr auto fields() {
///         return std::tuple{field("hidden_size", &VisionConfig::hidden_size, "width of a patch feature")};
///       }
///     };
#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace ccexpert {

/// Member of a config struct: its name in files, its pointer, and one sentence of help with unit and off
/// value.
template <class Config, class Value>
struct Field {
  const char* name;
  Value Config::*member;
  const char* help;
};

template <class Config, class Value>
constexpr Field<Config, Value> field(const char* name, Value Config::*member, const char* help) {
  return {name, member, help};
}

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

/// Returns the candidate closest to `name` by edit distance, or "" if none is close enough to be a likely
/// typo.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace ccexpert

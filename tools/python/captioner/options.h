// Keyword arguments of Python as config structs.
#pragma once

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <ccexpert/core/fields.h>
#include <ccexpert/core/names.h>

namespace ccexpert::python {

/// Returns Python's text of an object.
inline std::string text_of_object(const nanobind::handle& value) {
  return nanobind::cast<std::string>(nanobind::str(value));
}

/// Returns a value of a kind that Python has too. Throws Error for another type, and for an unknown name.
template <class Value>
Value value_of(const std::string& name, const nanobind::handle& from) {
  if constexpr (Named<Value>) {
    std::string text;
    if (!nanobind::try_cast(from, text)) text = text_of_object(from);
    if (const auto value = value_named<Value>(text)) return *value;
    fail_expected({name, in_words(choices_of<Value>()), text});
  } else {
    Value value{};
    if (nanobind::try_cast(from, value)) return value;
    const char* wanted = std::is_same_v<Value, std::string> ? "a text"
                         : std::is_same_v<Value, bool>      ? "True or False"
                         : std::is_arithmetic_v<Value>      ? "a number"
                                                            : "a list of whole numbers";
    fail_expected({name, wanted, text_of_object(from)});
  }
}

template <class Value>
void assign(const std::string& name, const nanobind::handle& from, Value& to) {
  to = value_of<Value>(name, from);
}

template <class Value>
void assign(const std::string& name, const nanobind::handle& from, std::optional<Value>& to) {
  to = value_of<Value>(name, from);
}

/// Sets the field `name` of `config`. Returns false if it has none of this name.
template <class Config>
bool set_field(Config& config, const std::string& name, const nanobind::handle& value) {
  bool known = false;
  for_each_field<Config>([&](const auto& each) {
    if (name != each.name) return;
    known = true;
    assign(name, value, config.*each.member);
  });
  return known;
}

/// Sets the fields of `configs` that `given` names. Throws Error for an unknown name and for a value out of
/// range.
template <class... Configs>
void set_fields(const nanobind::dict& given, Configs&... configs) {
  std::vector<std::string> names;
  (std::ranges::copy(field_names<Configs>(), std::back_inserter(names)), ...);
  for (const auto& [key, value] : given) {
    const auto name = text_of_object(key);
    if ((set_field(configs, name, value) || ...)) continue;
    const auto near = nearest_name(name, names);
    fail_expected({"options", "names of options", name, near.empty() ? "" : "did you mean " + near + "?"});
  }
  (check_fields(configs, [](const std::string& name) { return name; }), ...);
}

}  // namespace ccexpert::python

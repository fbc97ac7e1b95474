// Conversion between YAML text and config structs; every error names the file, the line and the key.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <yaml-cpp/yaml.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/fields.h>

namespace ccexpert {

/// YAML document and the source name in its errors.
struct YamlDocument {
  std::string source;
  YAML::Node root;
};

/// Parses a file. Throws Error if it cannot be read, is not YAML, or repeats a key.
YamlDocument read_yaml_file(const std::filesystem::path& path);
YamlDocument parse_yaml(const std::string& text, const std::string& source);

/// Sets "section.key=value" in a document; the value is YAML, so lists such as "[a, b]" work.
void override_yaml(YamlDocument& document, const std::string& assignment);

/// Returns "file:12: key" for messages, or "override section.key=value" for a value set by an override; a
/// node that is not in a file has no line.
std::string yaml_place(const YAML::Node& node, const std::string& source, const std::string& key);

/// Same for "section.list[2].key" of a document, even if the document has no such key.
std::string yaml_place_of(const YamlDocument& document, const std::string& key);

namespace yaml_detail {

template <class Value>
struct IsVector : std::false_type {};
template <class Element>
struct IsVector<std::vector<Element>> : std::true_type {};

template <class Value>
struct IsOptional : std::false_type {};
template <class Known>
struct IsOptional<std::optional<Known>> : std::true_type {};

template <class Value>
constexpr const char* type_name() {
  if constexpr (std::is_same_v<Value, bool>) return "true or false";
  if constexpr (std::is_integral_v<Value>) return "an integer";
  if constexpr (std::is_floating_point_v<Value>) return "a number";
  if constexpr (IsVector<Value>::value) return "a list";
  if constexpr (HasFields<Value>) return "a section with keys";
  return "a string";
}

std::string node_text(const YAML::Node& node);
void check_keys(const YAML::Node& map, const std::vector<std::string>& known, const std::string& source,
                const std::string& prefix);

}  // namespace yaml_detail

template <class Config>
void read_yaml(const YAML::Node& node, Config& config, const std::string& source,
               const std::string& prefix = "");

/// Reads one value of any type that a config struct may contain. Throws Error for a value outside of
/// `limits`, which apply to each element of a list.
template <class Value>
void read_yaml_value(const YAML::Node& node, Value& value, const std::string& source, const std::string& key,
                     const Limits& limits = {}) {
  const auto refuse = [&] {
    fail_expected(
        {yaml_place(node, source, key), yaml_detail::type_name<Value>(), yaml_detail::node_text(node)});
  };
  if constexpr (HasFields<Value>) {
    if (!node.IsMap()) refuse();
    read_yaml(node, value, source, key);
  } else if constexpr (yaml_detail::IsOptional<Value>::value) {
    read_yaml_value(node, value.emplace(), source, key, limits);
  } else if constexpr (yaml_detail::IsVector<Value>::value) {
    if (!node.IsSequence()) refuse();
    value.clear();
    for (size_t i = 0; i < node.size(); ++i) {
      read_yaml_value(node[i], value.emplace_back(), source, key + "[" + std::to_string(i) + "]", limits);
    }
  } else if constexpr (Worded<Value>) {
    if (!node.IsScalar()) refuse();
    value = parse_text<Value>(node.Scalar(), yaml_place(node, source, key), limits);
  } else {
    // A string may look like a number; a number may not look like a string.
    if (!node.IsScalar() || !YAML::convert<Value>::decode(node, value)) refuse();
    if (const auto refusal = refusal_of(limits, value))
      fail_expected({yaml_place(node, source, key), refusal->expected, refusal->got, refusal->hint});
  }
}

/// Sets every field of `config` that the map names; an unknown key is an Error that suggests the nearest
/// field.
template <class Config>
void read_yaml(const YAML::Node& node, Config& config, const std::string& source, const std::string& prefix) {
  yaml_detail::check_keys(node, field_names<Config>(), source, prefix);
  for_each_field<Config>([&](const auto& each) {
    const auto child = node[each.name];
    const std::string key = prefix.empty() ? each.name : prefix + "." + each.name;
    if (child.IsDefined() && !child.IsNull())
      read_yaml_value(child, config.*each.member, source, key, each.limits);
  });
}

/// Writes a value in the form that read_yaml_value reads; numbers keep every digit.
template <class Value>
void write_yaml_value(YAML::Emitter& out, const Value& value) {
  if constexpr (HasFields<Value>) {
    out << YAML::BeginMap;
    for_each_field<Value>([&](const auto& each) {
      out << YAML::Key << each.name << YAML::Value;
      write_yaml_value(out, value.*each.member);
    });
    out << YAML::EndMap;
  } else if constexpr (yaml_detail::IsOptional<Value>::value) {
    if (value) {
      write_yaml_value(out, *value);
    } else {
      out << YAML::Null;
    }
  } else if constexpr (yaml_detail::IsVector<Value>::value) {
    out << YAML::BeginSeq;
    for (const auto& element : value) write_yaml_value(out, element);
    out << YAML::EndSeq;
  } else if constexpr (Worded<Value>) {
    out << YAML::DoubleQuoted << text_of(value);
  } else if constexpr (std::is_same_v<Value, std::string>) {
    out << YAML::DoubleQuoted << value;
  } else {
    out << value;
  }
}

template <class Config>
std::string to_yaml(const Config& config) {
  YAML::Emitter out;
  out.SetDoublePrecision(17);
  write_yaml_value(out, config);
  return std::string(out.c_str()) + "\n";
}

}  // namespace ccexpert

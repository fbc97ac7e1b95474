#include "core/yaml.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "core/files.h"
#include "core/printable.h"
#include "core/text_file.h"
#include "core/yaml_load.h"

namespace ccexpert {
namespace {

std::vector<std::string> split_path(const std::string& path) {
  std::vector<std::string> parts;
  size_t start = 0;
  for (size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', start)) {
    parts.push_back(path.substr(start, dot - start));
    start = dot + 1;
  }
  parts.push_back(path.substr(start));
  return parts;
}

/// Tag that marks nodes set by overrides; no other code reads tags.
constexpr std::string_view kOverrideTag = "override ";

void mark_override(YAML::Node node, const std::string& assignment) {
  node.SetTag(std::string(kOverrideTag) + assignment);
  if (!node.IsMap() && !node.IsSequence()) return;
  for (auto item : node) mark_override(node.IsMap() ? item.second : YAML::Node(item), assignment);
}

bool is_override(const YAML::Node& node) {
  return node.IsDefined() && node.Tag().starts_with(kOverrideTag);
}

/// Counts the occurrences of a node in a tree: more than one if an alias refers to it or to a parent of it.
size_t occurrences(const YAML::Node& tree, const YAML::Node& node) {
  size_t count = tree.is(node) ? 1 : 0;
  if (!tree.IsMap() && !tree.IsSequence()) return count;
  for (const auto& item : tree) count += occurrences(tree.IsMap() ? item.second : YAML::Node(item), node);
  return count;
}

/// Throws Error for a shared node: setting it in one place would set it in the others.
void expect_own(const YamlDocument& document, const YAML::Node& node, const std::string& assignment) {
  if (occurrences(document.root, node) > 1)
    fail_expected({"override " + assignment, "a value that is used once", "one that an alias shares",
                   "write it out in " + document.source});
}

/// Returns the element "list[2]" of a map, or an undefined node.
YAML::Node element_of(const YAML::Node& node, const std::string& part) {
  const auto bracket = part.find('[');
  const auto child = node[part.substr(0, bracket)];
  if (bracket == std::string::npos || !child.IsDefined() || !child.IsSequence()) return child;
  size_t place = 0;
  const auto [end, problem] = std::from_chars(part.data() + bracket + 1, part.data() + part.size(), place);
  return problem == std::errc() && place < child.size() ? child[place]
                                                        : YAML::Node(YAML::NodeType::Undefined);
}

}  // namespace

YamlDocument parse_yaml(const std::string& text, const std::string& source) {
  YamlDocument document{source, load_yaml(decoded_text(text, source), source)};
  if (!document.root.IsMap())
    fail_expected({source, "YAML with keys", document.root.IsNull() ? "nothing" : "no keys"});
  return document;
}

YamlDocument read_yaml_file(const std::filesystem::path& path) {
  return parse_yaml(read_file(path), path.string());
}

void override_yaml(YamlDocument& document, const std::string& assignment) {
  const auto equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0)
    fail_expected({"override", "section.key=value", "'" + assignment + "'"});
  const auto value =
      load_yaml(decoded_text(assignment.substr(equals + 1), "override"), "override " + assignment);
  // A node is a reference, and assigning to it would change the referenced value: reset rebinds it.
  YAML::Node node = document.root;
  const auto parts = split_path(assignment.substr(0, equals));
  for (size_t i = 0; i + 1 < parts.size(); ++i) {
    if (node[parts[i]].IsDefined() && !node[parts[i]].IsMap()) {
      fail_expected({"override " + assignment, "a section '" + parts[i] + "'", "a single value"});
    }
    YAML::Node child = node[parts[i]];
    if (!child.IsDefined()) {
      YAML::Node fresh(YAML::NodeType::Map);
      mark_override(fresh, assignment);
      node[parts[i]] = fresh;
      child.reset(fresh);
    }
    node.reset(child);
  }
  const auto replaced = node[parts.back()];
  expect_own(document, replaced.IsDefined() ? replaced : node, assignment);
  mark_override(value, assignment);
  node[parts.back()] = value;
}

std::string yaml_place(const YAML::Node& node, const std::string& source, const std::string& key) {
  if (is_override(node)) {
    const auto assigned = node.Tag().substr(kOverrideTag.size());
    return assigned.starts_with(key + "=") ? node.Tag() : fmt::format("{}: {}", node.Tag(), key);
  }
  const auto mark = node.Mark();
  return mark.is_null() || mark.line < 0 ? fmt::format("{}: {}", source, key)
                                         : fmt::format("{}:{}: {}", source, mark.line + 1, key);
}

std::string yaml_place_of(const YamlDocument& document, const std::string& key) {
  YAML::Node node = document.root;
  for (const auto& part : split_path(key)) {
    const auto child = node.IsMap() ? element_of(node, part) : YAML::Node(YAML::NodeType::Undefined);
    if (!child.IsDefined()) return fmt::format("{}: {}", document.source, key);
    node.reset(child);
  }
  return yaml_place(node, document.source, key);
}

namespace yaml_detail {

std::string node_text(const YAML::Node& node) {
  if (node.IsScalar()) return fmt::format("'{}'", shortened(node.Scalar(), 120));
  if (node.IsSequence()) return "a list";
  return node.IsMap() ? "a section" : "nothing";
}

void check_keys(const YAML::Node& map, const std::vector<std::string>& known, const std::string& source,
                const std::string& prefix) {
  for (const auto& item : map) {
    const auto key = item.first.Scalar();
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const auto nearest = nearest_name(key, known);
    const auto path = prefix.empty() ? key : fmt::format("{}.{}", prefix, key);
    fail(yaml_place(is_override(item.second) ? item.second : item.first, source, path), "unknown key",
         nearest.empty() ? "" : "did you mean " + nearest + "?");
  }
}

}  // namespace yaml_detail
}  // namespace ccexpert

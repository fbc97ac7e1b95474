#include "common/option_entries.h"

#include <algorithm>
#include <array>

#include <CLI/CLI.hpp>

namespace ccexpert::tools {
namespace {

/// CLI11 describes a choice as "NAME:{a,b,c}" in an option's type name.
std::vector<std::string> choices_of(const std::string& type) {
  const auto open = type.find('{');
  const auto close = type.find('}', open);
  if (open == std::string::npos || close == std::string::npos) return {};
  return CLI::detail::split(type.substr(open + 1, close - open - 1), ',');
}

ValueKind kind_of(const OptionEntry& entry) {
  constexpr std::array kFolders{"DIR", "MODEL"};
  constexpr std::array kFiles{"FILE", "FILE...", "PATH...", "PREDICTIONS", "REFERENCES", "BEFORE AFTER"};
  if (entry.value.empty()) return ValueKind::kNone;
  if (!entry.choices.empty()) return ValueKind::kChoice;
  if (std::ranges::find(kFolders, entry.value) != kFolders.end()) return ValueKind::kFolder;
  return std::ranges::find(kFiles, entry.value) != kFiles.end() ? ValueKind::kFile : ValueKind::kOther;
}

OptionEntry entry_of(const CLI::Option& option) {
  OptionEntry entry;
  for (const auto& name : option.get_snames()) entry.short_names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) entry.long_names.push_back("--" + name);
  entry.group = option.get_group();
  const bool is_flag = option.get_items_expected_max() == 0;
  if (!is_flag) {
    const auto type = option.get_type_name();
    entry.choices = choices_of(type);
    entry.value = type.substr(0, type.find(':'));
    if (entry.value.empty()) entry.value = "VALUE";
    entry.default_value = option.get_default_str();
  }
  entry.kind = kind_of(entry);
  entry.environment = option.get_envname();
  entry.description = option.get_description();
  entry.many = option.get_items_expected_max() > 1;
  return entry;
}

}  // namespace

std::vector<OptionEntry> option_entries(const CLI::App& app) {
  std::vector<OptionEntry> entries;
  for (const auto* option : app.get_options()) {
    if (option->nonpositional() && !option->get_group().empty()) entries.push_back(entry_of(*option));
  }
  return entries;
}

std::vector<OptionEntry> argument_entries(const CLI::App& app) {
  std::vector<OptionEntry> entries;
  for (const auto* option : app.get_options()) {
    if (option->get_positional() && !option->get_group().empty()) entries.push_back(entry_of(*option));
  }
  return entries;
}

std::vector<const CLI::App*> subcommands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

}  // namespace ccexpert::tools

// Options of a command as its completions and its manual page list them.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace ccexpert::tools {

/// Kind of an option's value.
enum class ValueKind {
  kNone,  ///< a flag
  kChoice,
  kFolder,
  kFile,
  kOther,  ///< a number or text
};

struct OptionEntry {
  std::vector<std::string> short_names;  ///< "-o"
  std::vector<std::string> long_names;   ///< "--output"
  std::string group;
  std::string value;  ///< placeholder, such as DIR; empty for a flag
  ValueKind kind = ValueKind::kNone;
  std::vector<std::string> choices;
  std::string default_value;
  std::string environment;  ///< variable that sets it; or empty
  std::string description;
  bool many = false;  ///< takes several values, or may be repeated
};

/// Returns the options of `app` with a name, in the order of its help.
std::vector<OptionEntry> option_entries(const CLI::App& app);

/// Returns the positional arguments of `app`; `value` is their placeholder.
std::vector<OptionEntry> argument_entries(const CLI::App& app);

std::vector<const CLI::App*> subcommands(const CLI::App& app);

}  // namespace ccexpert::tools

#include "common/command_line.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/fields.h>
#include <ccexpert/version.h>

namespace ccexpert::tools {
namespace {

std::vector<std::string> long_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto* option : app.get_options()) {
    for (const auto& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

/// CLI11 describes a choice as "{a,b,c}" in an option's type name.
std::vector<std::string> choices(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const auto open = type.find('{');
  const auto close = type.find('}', open);
  if (open == std::string::npos || close == std::string::npos) return {};
  return CLI::detail::split(type.substr(open + 1, close - open - 1), ',');
}

}  // namespace

std::string bash_completion(const CLI::App& app) {
  const std::string name = app.get_name();
  std::string function = "_" + name;
  std::replace(function.begin(), function.end(), '-', '_');
  std::string cases;
  for (const auto* option : app.get_options()) {
    const auto values = choices(*option);
    if (values.empty() || option->get_lnames().empty()) continue;
    cases += fmt::format("    --{}) COMPREPLY=($(compgen -W \"{}\" -- \"$current\")); return ;;\n",
                         option->get_lnames().front(), fmt::join(values, " "));
  }
  return fmt::format(
      "# bash completion of {0}; made by: {0} --completion bash\n"
      "{1}() {{\n"
      "  local current=\"${{COMP_WORDS[COMP_CWORD]}}\" previous=\"${{COMP_WORDS[COMP_CWORD-1]}}\"\n"
      "  case \"$previous\" in\n"
      "{2}"
      "  esac\n"
      "  if [[ \"$current\" == -* ]]; then\n"
      "    COMPREPLY=($(compgen -W \"{3}\" -- \"$current\"))\n"
      "  else\n"
      "    COMPREPLY=($(compgen -f -- \"$current\"))\n"
      "  fi\n"
      "}}\n"
      "complete -o filenames -F {1} {0}\n",
      name, function, cases, fmt::join(long_names(app), " "));
}

std::string usage_error(const CLI::App& app, const CLI::ParseError& error) {
  if (dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr) return error.what();
  const auto extras = app.remaining();
  const std::string first = extras.empty() ? "" : extras.front();
  if (!first.starts_with("-")) return fmt::format("unexpected argument '{}'", first);
  const auto name = first.substr(0, first.find('='));
  const auto nearest = nearest_name(name, long_names(app));
  return fmt::format("unknown option {}", name) +
         (nearest.empty() ? "" : fmt::format(" (did you mean {}?)", nearest));
}

std::string version_text(const std::string& command) {
  const auto info = build_info();
  return fmt::format("{} {}\nLibTorch {}\nCPU {}\nGPU {}", command, info.version, info.libtorch, info.cpu,
                     info.gpu);
}

std::string option_name(std::string field_name) {
  std::replace(field_name.begin(), field_name.end(), '_', '-');
  return "--" + field_name;
}

}  // namespace ccexpert::tools

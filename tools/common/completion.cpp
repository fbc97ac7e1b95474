#include "common/completion.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/option_entries.h"

namespace ccexpert::tools {
namespace {

/// Name of the shell function that completes a command.
std::string function_of(const CLI::App& app) {
  std::string function = "_" + app.get_name();
  std::ranges::replace(function, '-', '_');
  return function;
}

/// Returns `text` with a backslash before each of `special`.
std::string escaped(std::string_view text, std::string_view special) {
  std::string result;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

/// Returns a word in single quotes of zsh and bash.
std::string in_quotes(std::string_view text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

std::vector<std::string> long_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const auto& entry : option_entries(app))
    names.insert(names.end(), entry.long_names.begin(), entry.long_names.end());
  return names;
}

/// Returns all names of an option, the short ones first.
std::vector<std::string> all_names(const OptionEntry& entry) {
  auto names = entry.short_names;
  names.insert(names.end(), entry.long_names.begin(), entry.long_names.end());
  return names;
}

namespace bash {

/// Returns branches of a `case` that offer an option's choices after its name.
std::string choice_cases(const CLI::App& app) {
  std::string cases;
  for (const auto& entry : option_entries(app)) {
    if (entry.choices.empty()) continue;
    cases += fmt::format("    {}) COMPREPLY=($(compgen -W \"{}\" -- \"$current\")); return ;;\n",
                         fmt::join(all_names(entry), "|"), fmt::join(entry.choices, " "));
  }
  return cases;
}

std::string script(const CLI::App& app) {
  std::string commands, options, cases = choice_cases(app);
  for (const auto* command : subcommands(app)) {
    commands += (commands.empty() ? "" : " ") + command->get_name();
    options +=
        fmt::format("    {}) options=\"{}\" ;;\n", command->get_name(), fmt::join(long_names(*command), " "));
    cases += choice_cases(*command);
  }
  return fmt::format(
      "# bash completion of {0}; made by: {0} --completion bash\n"
      "{1}() {{\n"
      "  local current=\"${{COMP_WORDS[COMP_CWORD]}}\" previous=\"${{COMP_WORDS[COMP_CWORD-1]}}\"\n"
      "  local options=\"{3}\" commands=\"{4}\"\n"
      "  case \"$previous\" in\n"
      "{2}"
      "  esac\n"
      "  if [[ -n \"$commands\" && $COMP_CWORD -gt 1 ]]; then commands=\"\"; fi\n"
      "  case \"${{COMP_WORDS[1]}}\" in\n"
      "{5}"
      "    *) ;;\n"
      "  esac\n"
      "  if [[ \"$current\" == -* ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
      "  elif [[ -n \"$commands\" ]]; then\n"
      "    COMPREPLY=($(compgen -W \"$commands\" -- \"$current\"))\n"
      "  else\n"
      "    mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
      "  fi\n"
      "}}\n"
      "complete -o filenames -F {1} {0}\n",
      app.get_name(), function_of(app), cases, fmt::join(long_names(app), " "), commands, options);
}

}  // namespace bash

namespace zsh {

std::string action_of(const OptionEntry& entry) {
  switch (entry.kind) {
    case ValueKind::kChoice:
      return fmt::format("({})", fmt::join(entry.choices, " "));
    case ValueKind::kFolder:
      return "_files -/";
    case ValueKind::kFile:
      return "_files";
    case ValueKind::kNone:
    case ValueKind::kOther:
      break;
  }
  return " ";
}

/// Returns an option as a specification of _arguments for each of its names.
std::string option_specs(const OptionEntry& entry) {
  const auto names = all_names(entry);
  const auto value = entry.kind == ValueKind::kNone
                         ? std::string()
                         : fmt::format(":{}:{}", escaped(entry.value, ":\\"), action_of(entry));
  const auto excluded = entry.many ? "*" : fmt::format("({})", fmt::join(names, " "));
  std::string specs;
  for (const auto& name : names) {
    specs += " \\\n    " +
             in_quotes(fmt::format("{}{}[{}]{}", excluded, name, escaped(entry.description, "[]:\\"), value));
  }
  return specs;
}

std::string arguments_call(const CLI::App& app, const char* call_name = "_arguments -s -S") {
  std::string call = call_name;
  for (const auto& entry : option_entries(app)) call += option_specs(entry);
  for (const auto& entry : argument_entries(app))
    call += " \\\n    " + in_quotes(fmt::format("*:{}:{}", escaped(entry.value, ":\\"), action_of(entry)));
  return call;
}

std::string script(const CLI::App& app) {
  const auto commands = subcommands(app);
  auto body = "  " + arguments_call(app) + "\n";
  if (!commands.empty()) {
    std::string described, cases;
    for (const auto* command : commands) {
      described +=
          "    " +
          in_quotes(fmt::format("{}:{}", command->get_name(), escaped(command->get_description(), ":\\"))) +
          "\n";
      cases += fmt::format("    {}) {} ;;\n", command->get_name(), arguments_call(*command));
    }
    body = fmt::format(
        "  local curcontext=\"$curcontext\" state line\n  local -a commands=(\n{}  )\n"
        "  {} \\\n    '1:command:->command' '*::argument:->argument'\n"
        "  case $state in\n"
        "    command) _describe command commands ;;\n"
        "    argument) case $line[1] in\n{}    esac ;;\n"
        "  esac\n",
        described, arguments_call(app, "_arguments -C -s -S"), cases);
  }
  return fmt::format(
      "#compdef {0}\n# zsh completion of {0}; made by: {0} --completion zsh\n"
      "{1}() {{\n{2}}}\n"
      // zsh runs the file as a function of its name when it loads it by itself.
      "if [[ $funcstack[1] == _{0} ]]; then {1} \"$@\"; else compdef {1} {0}; fi\n",
      app.get_name(), function_of(app), body);
}

}  // namespace zsh

namespace fish {

/// Returns a word in single quotes of fish.
std::string in_quotes(std::string_view text) {
  return "'" + escaped(text, "'\\") + "'";
}

std::string value_flags(const OptionEntry& entry) {
  switch (entry.kind) {
    case ValueKind::kNone:
      return {};
    case ValueKind::kChoice:
      return " -x -a " + in_quotes(fmt::format("{}", fmt::join(entry.choices, " ")));
    case ValueKind::kFolder:
      return " -x -a '(__fish_complete_directories)'";
    case ValueKind::kFile:
      return " -r -F";
    case ValueKind::kOther:
      break;
  }
  return " -x";
}

std::string option_line(const CLI::App& program, const OptionEntry& entry, const std::string& condition) {
  auto line = fmt::format("complete -c {}{}", program.get_name(), condition);
  for (const auto& name : entry.short_names) line += " -s " + name.substr(1);
  for (const auto& name : entry.long_names) line += " -l " + name.substr(2);
  return fmt::format("{}{} -d {}\n", line, value_flags(entry), in_quotes(entry.description));
}

std::string script(const CLI::App& app) {
  auto text = fmt::format("# fish completion of {0}; made by: {0} --completion fish\n", app.get_name());
  const auto commands = subcommands(app);
  const std::string first = commands.empty() ? "" : " -n __fish_use_subcommand";
  for (const auto& entry : option_entries(app)) text += option_line(app, entry, first);
  for (const auto* command : commands) {
    text += fmt::format("complete -c {}{} -f -a {} -d {}\n", app.get_name(), first, command->get_name(),
                        in_quotes(command->get_description()));
    const auto seen = fmt::format(" -n '__fish_seen_subcommand_from {}'", command->get_name());
    for (const auto& entry : option_entries(*command)) text += option_line(app, entry, seen);
  }
  return text;
}

}  // namespace fish

}  // namespace

std::string completion_script(const CLI::App& app, Shell shell) {
  switch (shell) {
    case Shell::kZsh:
      return zsh::script(app);
    case Shell::kFish:
      return fish::script(app);
    case Shell::kBash:
      break;
  }
  return bash::script(app);
}

}  // namespace ccexpert::tools

// Completion scripts of shells, made from the options of a command.
#pragma once

#include <array>
#include <string>

#include <ccexpert/core/names.h>

namespace CLI {
class App;
}  // namespace CLI

namespace ccexpert::tools {

enum class Shell { kBash, kZsh, kFish };
constexpr auto names_of(Shell) {
  return std::to_array<Name<Shell>>({{Shell::kBash, "bash"}, {Shell::kZsh, "zsh"}, {Shell::kFish, "fish"}});
}

/// Returns a script that completes every option of `app` and of its subcommands: the choices of an option,
/// folders or files.
std::string completion_script(const CLI::App& app, Shell shell);

}  // namespace ccexpert::tools

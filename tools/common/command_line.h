// What the command lines of all commands share.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace CLI {
class App;
class ParseError;
class Validator;
}  // namespace CLI

namespace ccexpert::tools {

/// What every command can be asked for beside its work.
struct CommonOptions {
  /// Text of --version for a command; versions.h has that of commands with LibTorch.
  std::string (*version_text)(const std::string& command) = nullptr;
  std::string completion = {};
  bool version = false;
};
void add_common_options(CLI::App& app, CommonOptions& common);

/// What to do after the command line was read: work, or print `text` and leave with `exit_code`.
struct Leave {
  std::optional<int> exit_code;
  std::string text;  ///< for standard output where exit_code is 0, else for standard error
};

/// Fills what the options of `app` fill, then calls `check`, which throws Error for options that do not go
/// together. Never throws for wrong arguments: they become an exit code of 2 and one line of text.
Leave parse_command_line(CLI::App& app, int count, const char* const* arguments, const CommonOptions& common,
                         const std::function<void()>& check);

/// Prints the text of a Leave that has an exit code, and returns the code.
int print_leave(const Leave& leave);

/// A bash completion script for every option of `app`: choices where an option has them, else file names.
std::string bash_completion(const CLI::App& app);

/// The one line that says what is wrong with the arguments, with the nearest option for an unknown one.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error);

/// Checks of options. CLI11 alone takes a number that is too large for the largest, and no text for some.
CLI::Validator whole_number();
CLI::Validator some_text();

/// The short names of precisions, as fp32, become the long ones.
CLI::Validator dtype_name();

/// Files by the convention that "-" is standard input or output. The transformed name is one that can be
/// opened.
CLI::Validator input_file();
CLI::Validator output_file();

/// Whether `path` is standard output by a name that output_file() leaves.
bool is_standard_output(const std::filesystem::path& path);

/// Writes a result to a file, whole or not at all, or to standard output if `path` is empty or names it.
void write_result(const std::filesystem::path& path, std::string_view text);

/// "max_new_tokens" to "--max-new-tokens".
std::string option_name(std::string field_name);

}  // namespace ccexpert::tools

// Command-line handling shared by all commands.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <ccexpert/core/limits.h>

namespace CLI {
class App;
class ParseError;
class Validator;
}  // namespace CLI

namespace ccexpert::tools {

/// Options common to all commands.
struct CommonOptions {
  /// Text of --version for a command; versions.h has that of commands with LibTorch.
  std::string (*version_text)(const std::string& command) = nullptr;
  std::string completion = {};
  bool version = false;
  bool manual_page = false;
};
void add_common_options(CLI::App& app, CommonOptions& common);

/// Result of parsing: no exit code to continue, otherwise print `text` and exit with `exit_code`.
struct Leave {
  std::optional<int> exit_code;
  std::string text;  ///< for standard output if exit_code is 0, else for standard error
};

/// Parses the options of `app`, then calls `check`, which throws Error for incompatible options. Never throws
/// for wrong arguments: they become exit code 2 and one line of text.
Leave parse_command_line(CLI::App& app, int count, const char* const* arguments, const CommonOptions& common,
                         const std::function<void()>& check);

/// Throws Error(message) unless options fit together; for the check of `parse_command_line`.
void expect(bool holds, const std::string& message);

/// Prints the text of a Leave with an exit code, and returns the code.
int print_leave(const Leave& leave);

/// Returns one line about wrong arguments, with the nearest option for an unknown one.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error);

/// Checks of option values. CLI11 alone clamps numbers that are too large and accepts empty text.
CLI::Validator whole_number(const Limits& limits = {});
CLI::Validator fraction(const Limits& limits);
CLI::Validator some_text();

/// Checks a word; the help and the completion of a shell list the choices. `refusal` returns nothing for a
/// valid word.
CLI::Validator word_check(const std::vector<std::string>& choices,
                          const std::function<std::optional<Refusal>(const std::string&)>& refusal);

/// Convert "-" to standard input or output. The transformed name can be opened as a file.
CLI::Validator input_file();
CLI::Validator output_file();

/// Refuses "-" as a file to write, for commands that print other lines or write the file as a whole.
CLI::Validator named_output();

/// True if `path` is empty or is output_file()'s name of standard output.
bool is_standard_output(const std::filesystem::path& path);

/// Writes a result atomically to a file, or to standard output if `path` is empty or names it.
void write_result(const std::filesystem::path& path, std::string_view text);

/// Converts "max_new_tokens" to "--max-new-tokens".
std::string option_name(std::string field_name);

}  // namespace ccexpert::tools

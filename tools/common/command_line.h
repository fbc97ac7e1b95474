// What the command lines of all commands share.
#pragma once

#include <string>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace ccexpert::tools {

/// A bash completion script for every option of `app`: choices where an option has them, else file names.
std::string bash_completion(const CLI::App& app);

/// The one line that says what is wrong with the arguments, with the nearest option for an unknown one.
std::string usage_error(const CLI::App& app, const CLI::ParseError& error);

/// Text of --version: versions, instruction set, GPUs.
std::string version_text(const std::string& command);

/// "max_new_tokens" to "--max-new-tokens".
std::string option_name(std::string field_name);

}  // namespace ccexpert::tools

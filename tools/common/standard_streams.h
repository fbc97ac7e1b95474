// Standard input, output and error of a command, even if its parent closed them.
#pragma once

#include <functional>
#include <string_view>

namespace ccexpert::tools {

/// Opens those of descriptors 0 to 2 that the parent closed, so that no other file gets their numbers. Reads
/// and writes still fail as on a closed descriptor.
void open_standard_descriptors();

/// Write text, or a line, to standard error; a failed write is not a failure of the command.
void print_text(std::string_view text);
void print_note(std::string_view line);

/// Writes results to standard output; run_program reports a failure.
void print_result(std::string_view text);

/// Runs a command and returns its exit code: opens the standard descriptors, turns an exception into
/// "program: sentence" and kFailed, and fails with a sentence if standard output did not accept all results.
int run_program(std::string_view program, const std::function<int()>& run);

}  // namespace ccexpert::tools

// Standard input, output and error of a command, whatever its parent left of them.
#pragma once

#include <functional>
#include <string_view>

namespace ccexpert::tools {

/// Opens those of descriptors 0 to 2 that the parent closed, so that no file of ours gets their numbers.
/// Reading and writing them fails as on a closed descriptor.
void open_standard_descriptors();

/// Writes text, or a line, to standard error; a standard error that takes nothing is not a failure of the
/// command.
void print_text(std::string_view text);
void print_note(std::string_view line);

/// Writes results to standard output; a failure is reported by run_program.
void print_result(std::string_view text);

/// Runs a command from its start to its exit code: opens the standard descriptors, turns an exception into
/// "program: sentence" and kFailed, and fails with a sentence if standard output did not take all results.
int run_program(std::string_view program, const std::function<int()>& run);

}  // namespace ccexpert::tools

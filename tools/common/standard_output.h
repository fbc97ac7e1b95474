// Results that never arrived are no success.
#pragma once

#include <string_view>

namespace ccexpert::tools {

/// The exit code of a command that is done: `exit_code`, or kFailed with a sentence on standard error where
/// there are results and standard output did not take all of them.
int with_standard_output(std::string_view program, int exit_code);

}  // namespace ccexpert::tools

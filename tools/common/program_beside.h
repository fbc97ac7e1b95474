// Programs that are installed with this one, for it alone.
#pragma once

#include <string>

namespace ccexpert::tools {

/// Replaces this program by `name` with the same arguments, environment and process. It lies in the folder of
/// this program, or in ../libexec/ccexpert. Throws Error if neither has it, or if it cannot be run.
[[noreturn]] void become_program_beside(const std::string& name, char* const* arguments);

}  // namespace ccexpert::tools

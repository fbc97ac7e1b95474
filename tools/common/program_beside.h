// Programs that are installed with this one, for it alone.
#pragma once

#include <string>

namespace ccexpert::tools {

/// Replaces this program by `name` with the same arguments, environment and process. It lies in the folder of
/// this program, or in ../libexec/ccexpert. Returns if neither can be run.
void become_program_beside(const std::string& name, char* const* arguments);

/// Throws Error that names the places of become_program_beside.
[[noreturn]] void fail_no_program_beside(const std::string& name);

}  // namespace ccexpert::tools

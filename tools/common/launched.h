// Processes that a launcher of this project started.
#pragma once

namespace ccexpert::tools {

/// Environment variable of a started process with the number of its launcher.
inline constexpr const char* kLauncherVariable = "CCEXPERT_LAUNCHER";

/// True in a started process.
bool is_launched();

/// Makes a started process end if its launcher is killed.
void end_with_launcher();

}  // namespace ccexpert::tools

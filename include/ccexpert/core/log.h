/// Messages of the library to its user. They go to standard error, so that standard output contains only
/// results.
#pragma once

#include <string_view>

namespace ccexpert::log {

enum class Level { kDebug, kInfo, kWarning, kError, kOff };

/// Drops messages below `level`. The default is kInfo.
void set_level(Level level);

void debug(std::string_view message);
void info(std::string_view message);
void warning(std::string_view message);
void error(std::string_view message);

}  // namespace ccexpert::log

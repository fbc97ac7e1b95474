/// Messages of the library to its user. They go to standard error, so that standard output holds results
/// alone.
#pragma once

#include <string_view>

namespace ccexpert::log {

enum class Level { kDebug, kInfo, kWarning, kError, kOff };

/// Messages below `level` are dropped; kInfo at the start of a program.
void set_level(Level level);

void debug(std::string_view message);
void info(std::string_view message);
void warning(std::string_view message);
void error(std::string_view message);

}  // namespace ccexpert::log

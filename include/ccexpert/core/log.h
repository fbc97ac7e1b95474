/// Messages of the library to its user. They go to standard error, so that standard output contains only
/// results.
#pragma once

#include <string_view>

namespace ccexpert::log {

enum class Level { kDebug, kInfo, kWarning, kError, kOff };  ///< Messages from this level on are written

/// Drops messages below `level`. The default is kInfo.
void set_level(Level level);

void debug(std::string_view message);    ///< For developers
void info(std::string_view message);     ///< Course of a run
void warning(std::string_view message);  ///< The result may not be as intended
void error(std::string_view message);    ///< A failure that ends nothing

}  // namespace ccexpert::log

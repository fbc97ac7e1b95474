#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <ccexpert/core/log.h>

#include "core/printable.h"

namespace ccexpert::log {
namespace {

spdlog::logger& logger() {
  // Not spdlog's default logger: a program that links this library keeps its own settings.
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto created =
        std::make_shared<spdlog::logger>("ccexpert", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    created->set_pattern("ccexpert %^%l%$: %v");
    return created;
  }();
  return *instance;
}

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarning:
      return spdlog::level::warn;
    case Level::kError:
      return spdlog::level::err;
    case Level::kOff:
      break;
  }
  return spdlog::level::off;
}

/// Writes one message on one line, without control sequences for a terminal.
void write(spdlog::level::level_enum level, std::string_view message) {
  constexpr size_t kLongest = 4096;
  if (logger().should_log(level)) logger().log(level, "{}", joined_printable({&message, 1}, kLongest));
}

}  // namespace

void set_level(Level level) {
  logger().set_level(to_spdlog(level));
}
void debug(std::string_view message) {
  write(spdlog::level::debug, message);
}
void info(std::string_view message) {
  write(spdlog::level::info, message);
}
void warning(std::string_view message) {
  write(spdlog::level::warn, message);
}
void error(std::string_view message) {
  write(spdlog::level::err, message);
}

}  // namespace ccexpert::log

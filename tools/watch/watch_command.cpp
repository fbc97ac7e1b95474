#include "watch/watch_command.h"

#include <string>

#include <fmt/format.h>

#include <ccexpert/core/log.h>

#include "common/exit_code.h"
#include "common/interrupt.h"
#include "common/standard_streams.h"
#include "map/late_model.h"
#include "watch/watch_options.h"

namespace ccexpert::tools {
namespace {

void tell(const WatchCommand& command, const geo::WatchSummary& summary) {
  if (summary.failed > 0) print_note(fmt::format("ccexpert-watch: {} scenes failed", summary.failed));
  if (summary.undelivered > 0) {
    print_note(
        fmt::format("ccexpert-watch: the alerts of {} maps were not delivered; the next run sends them again",
                    summary.undelivered));
  }
  if (!command.map.quiet) print_note(fmt::format("{} maps, {} alerts", summary.maps, summary.alerts));
}

int watch(WatchCommand& command) {
  const Interrupt interrupt(kStopDeadline);
  if (command.map.quiet) log::set_level(log::Level::kError);
  command.watch.map = command.map.map;
  command.watch.map.settings = settings_of(command.map);
  LateModel model(command.map, interrupt.token());
  const auto note = [&](const std::string& line) {
    if (!command.map.quiet) print_note(line);
  };
  const auto summary =
      geo::watch(command.watch, model.functions(), {.map = {.note = note}, .note = note}, interrupt.token());
  tell(command, summary);
  // A signal is the usual end of a watch without --once.
  if (!command.watch.once) return kSuccess;
  if (interrupt.signal() != 0) return kSignalBase + interrupt.signal();
  return summary.failed + summary.undelivered > 0 ? kSomeFailed : kSuccess;
}

}  // namespace

int run_watch_command(int count, const char* const* arguments) {
  auto parsed = parse_watch_command(count, arguments);
  return parsed.exit_code ? print_leave(parsed) : watch(parsed.command);
}

}  // namespace ccexpert::tools

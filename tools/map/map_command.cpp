#include "map/map_command.h"

#include <memory>
#include <string>

#include <fmt/format.h>

#include <ccexpert/core/log.h>

#include "common/exit_code.h"
#include "common/interrupt.h"
#include "common/progress.h"
#include "common/standard_streams.h"
#include "map/late_model.h"
#include "map/map_options.h"
#include "map/map_ranks.h"
#include "map/map_series.h"

namespace ccexpert::tools {
namespace {

/// Progress of a run, which starts when the number of tiles is known.
class MapProgress {
 public:
  explicit MapProgress(bool quiet) : quiet_(quiet) {}

  geo::MapReports reports() {
    return {.start = [this](int64_t tiles, int64_t resumed) { start(tiles, resumed); },
            .done = [this](int64_t tiles) { progress_->add(tiles); },
            .note = [this](const std::string& line) { progress_->note(line); }};
  }
  void end() { progress_.reset(); }

 private:
  void start(int64_t tiles, int64_t resumed) {
    progress_ = std::make_unique<Progress>(tiles, "tiles",
                                           quiet_ ? ProgressStyle::kNone : progress_style_of_stderr());
    if (resumed > 0 && !quiet_) progress_->note(fmt::format("{} tiles are already done", resumed));
  }

  bool quiet_;
  std::unique_ptr<Progress> progress_;
};

void tell(const MapCommand& command, const geo::MapSummary& summary) {
  const auto name = command.map.output.string();
  if (summary.failed > 0)
    print_note(fmt::format("ccexpert-map: {} of {} tiles failed", summary.failed, summary.tiles));
  if (command.quiet) return;
  if (summary.interrupted) {
    print_note(
        fmt::format("ccexpert-map: interrupted after {} of {} tiles; --resume continues from there",
                    summary.captioned + summary.quiet + summary.skipped + summary.failed + summary.resumed,
                    summary.tiles));
  } else if (summary.tiles > 0) {
    print_note(
        fmt::format("{}: {} tiles captioned, {} below the threshold, {} skipped for lack of valid pixels",
                    name, summary.captioned, summary.quiet, summary.skipped));
  } else {
    print_note(fmt::format("{}: nothing left to do", name));
  }
}

int map(MapCommand& command) {
  const Interrupt interrupt(kStopDeadline);
  const bool is_rank = take_shard_of_rank(command);
  if (command.quiet) log::set_level(log::Level::kError);
  take_series(command);
  command.map.settings = settings_of(command);
  LateModel model(command, interrupt.token());
  MapProgress progress(command.quiet);
  const auto summary = geo::map_scene(command.map, model.functions(), progress.reports(), interrupt.token());
  progress.end();
  tell(command, summary);
  if (interrupt.signal() != 0) return kSignalBase + interrupt.signal();
  if (is_rank) {
    if (const auto all = geo::merge_if_last(command.map.output, command.map.shard)) tell(command, *all);
  }
  return summary.failed > 0 ? kSomeFailed : kSuccess;
}

int merge(const MapCommand& command) {
  const auto summary = geo::merge_shards(command.map.output, command.shards, command.map.overwrite);
  tell(command, summary);
  return summary.failed > 0 ? kSomeFailed : kSuccess;
}

}  // namespace

int run_map_command(int count, const char* const* arguments) {
  auto parsed = parse_map_command(count, arguments);
  if (parsed.exit_code) return print_leave(parsed);
  return parsed.command.merge ? merge(parsed.command) : map(parsed.command);
}

}  // namespace ccexpert::tools

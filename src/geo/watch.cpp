#include "geo/shared/watch.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/file_names.h"
#include "core/files.h"
#include "core/foreign_errors.h"
#include "geo/alerts.h"
#include "geo/footprint.h"
#include "geo/gdal_use.h"
#include "geo/http.h"
#include "geo/journal.h"
#include "geo/publish.h"
#include "geo/scene_folder.h"
#include "geo/shared/scene_date.h"
#include "geo/shared/scene_folder.h"
#include "geo/stac.h"
#include "geo/watch_journal.h"
#include "geo/webhook.h"

namespace ccexpert::geo {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using Seconds = std::chrono::duration<double>;

/// Tries of a scene that fails, until the next start.
constexpr int kTries = 5;
constexpr size_t kLongestName = 80;

/// Sleeps until a time has passed or a stop is requested.
void wait(Seconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
}

std::unique_ptr<SceneSource> source_of(const WatchOptions& options) {
  const bool is_path = gdal_name(options.source) == options.source && !options.source.starts_with("/vsi");
  if (is_path && is_folder(options.source))
    return std::make_unique<SceneFolder>(options.source, Seconds(options.settle));
  return std::make_unique<StacCatalogue>(options.source, options.asset);
}

/// Returns a name for files of a scene.
std::string file_name(int64_t number, const WatchedScene& scene) {
  auto stem = fs::path(scene.name).stem().string();
  std::ranges::replace_if(
      stem, [](unsigned char c) { return std::isalnum(c) == 0 && c != '-' && c != '_'; }, '-');
  return fmt::format("{:04}-{}", number, stem.substr(0, kLongestName));
}

/// True if files of a map are there.
bool has_begun(const fs::path& map) {
  return is_there(journal_path(map, {})) || std::ranges::any_of(published_files(map, {}), is_there);
}

class Watch {
 public:
  Watch(const WatchOptions& options, const MapModel& model, const WatchReports& reports)
      : options_(options),
        model_(model),
        reports_(reports),
        source_(source_of(options)),
        since_(time_in_text(options.since).value_or("")),
        journal_(options.output / "watch.jsonl"),
        webhook_(options, journal_, reports) {
    if (!options.map.area.empty()) area_ = Footprint::of_area(options.map.area);
    write_feed();
  }

  WatchSummary run(const std::stop_token& stop) {
    for (bool first = true; !stop.stop_requested(); first = false) {
      const bool waits = look(first, stop);
      webhook_.send(stop);
      if (options_.once && !waits && (!webhook_.due() || webhook_.gives_up())) break;
      pause(waits, stop);
    }
    if (options_.once && !stop.stop_requested()) expect_some();
    summary_.interrupted = stop.stop_requested();
    summary_.undelivered = options_.webhook.empty() ? 0 : std::ssize(journal_.deliveries());
    return summary_;
  }

 private:
  void note(const std::string& line) const {
    if (reports_.note) reports_.note(line);
  }

  /// Handles the scenes that are there. Returns true if files are still growing, or with `once` if a map is
  /// to be tried again.
  bool look(bool first, const std::stop_token& stop) {
    Look found;
    try {
      found = source_->look([this](const std::string& name) { return journal_.knows(name); });
    } catch (const Fault&) {
      throw;
    } catch (const Error& error) {
      if (first || options_.once) throw;
      tell_once(options_.source, error.what());
      return false;
    }
    summary_.failed = 0;
    has_failed_tiles_ = false;
    for (const auto& each : found.unready) fail_scene(each.name, each.reason);
    std::ranges::sort(found.scenes, [](const WatchedScene& a, const WatchedScene& b) {
      return a.time != b.time ? a.time < b.time : sorts_before(a.name, b.name);
    });
    for (const auto& scene : found.scenes) {
      // Later scenes are compared with the one that is to be tried again.
      if (stop.stop_requested() || has_failed_tiles_) break;
      handle(scene, stop);
    }
    return found.waits || (options_.once && has_failed_tiles_);
  }

  void pause(bool waits, const std::stop_token& stop) const {
    Seconds time(waits ? std::min(options_.interval, std::max(0.1, options_.settle / 4.0))
                       : options_.interval);
    if (const auto due = webhook_.due()) time = options_.once && !waits ? *due : std::min(time, *due);
    wait(time, stop);
  }

  /// Notes a problem, unless its text is that of the last time.
  void tell_once(const std::string& name, const std::string& reason) {
    auto& told = told_[name];
    if (told != reason) note(reason.starts_with(name) ? reason : name + ": " + reason);
    told = reason;
  }

  void fail_scene(const std::string& name, const std::string& reason) {
    ++summary_.failed;
    tell_once(name, reason);
  }

  void handle(const WatchedScene& scene, const std::stop_token& stop) try {
    if (tries_[scene.name] >= kTries) {
      ++summary_.failed;
      return;
    }
    if (!since_.empty() && !scene.time.empty() && scene.time < since_) {
      leave_out(scene, "older", "is older than --since");
      return;
    }
    if (area_ && scene.bounds && !area_->meets(*scene.bounds)) {
      leave_out(scene, "outside", "is outside of the area of interest");
      return;
    }
    const auto ground = Footprint::of_raster(scene.raster);
    if (area_ && !area_->meets(ground)) {
      leave_out(scene, "outside", "is outside of the area of interest");
      return;
    }
    compare(scene, ground, stop);
  } catch (const Fault&) {
    throw;
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::kResource) throw;
    ++tries_[scene.name];
    fail_scene(scene.name, error.what());
  }

  void leave_out(const WatchedScene& scene, std::string_view event, std::string_view reason) {
    journal_.leave_out(scene, event);
    note(fmt::format("{} {}: left out", scene.name, reason));
  }

  /// Returns the last scene that shows some of the same ground.
  const AcceptedScene* last_before(const Footprint& ground) const {
    const AcceptedScene* last = nullptr;
    for (const auto& each : journal_.accepted()) {
      const bool is_later = last == nullptr || each.scene.time >= last->scene.time;
      if (is_later && is_still_there(each.scene) && Footprint::from_wkt(each.ground).meets(ground))
        last = &each;
    }
    return last;
  }

  /// False for a file that was removed since it was mapped.
  static bool is_still_there(const WatchedScene& scene) {
    return scene.raster.starts_with("/vsi") || is_there(scene.raster);
  }

  void compare(const WatchedScene& scene, const Footprint& ground, const std::stop_token& stop) {
    const auto* last = last_before(ground);
    if (last == nullptr) {
      journal_.start({scene, ground.wkt()});
      note(fmt::format("{}: the first scene of its ground", scene.name));
      return;
    }
    if (!scene.time.empty() && scene.time < last->scene.time) {
      leave_out(scene, "older", fmt::format("is older than {}", last->scene.name));
      return;
    }
    const auto from = last->scene;
    const auto name = file_name(journal_.maps() + 1, scene) + ".geojson";
    auto options = options_.map;
    options.before = from.raster;
    options.after = scene.raster;
    options.output = options_.output / "maps" / name;
    const auto counts = mapped(std::move(options), stop);
    if (counts.interrupted || stop.stop_requested()) return;
    has_failed_tiles_ = counts.failed > 0 && ++tries_[scene.name] < kTries;
    if (has_failed_tiles_) {
      fail_scene(scene.name, fmt::format("expected a map of all tiles, got {} with errors", counts.failed));
      return;
    }
    publish({scene, ground.wkt()}, from, name);
  }

  /// Maps two scenes, or goes on with the map that a killed run began.
  MapSummary mapped(MapOptions options, const std::stop_token& stop) const {
    const bool begun = has_begun(options.output);
    options.resume = true;
    try {
      return map_scene(options, model_, reports_.map, stop);
    } catch (const Fault&) {
      throw;
    } catch (const Error& error) {
      if (!begun || error.kind() == ErrorKind::kResource) throw;
    }
    // The map that was begun may be of other options, or of a file that has changed since.
    options.resume = false;
    options.overwrite = true;
    return map_scene(options, model_, reports_.map, stop);
  }

  void publish(const AcceptedScene& scene, const WatchedScene& from, const std::string& name) {
    const auto map = options_.output / "maps" / name;
    auto alerts = alerts_of({.from = from, .to = scene.scene, .map = map, .shown = "maps/" + name});
    const auto count = std::ssize(alerts);
    journal_.add_map(scene, {{"from", from.name}, {"map", "maps/" + name}, {"alerts", std::move(alerts)}},
                     !options_.webhook.empty());
    fs::remove(journal_path(map, {}));
    write_feed();
    ++summary_.maps;
    summary_.alerts += count;
    note(fmt::format("{} against {}: {} alerts, maps/{}", scene.scene.name, from.name, count, name));
  }

  void write_feed() const {
    write_file(options_.output / "alerts.geojson", collection_text(journal_.alerts()));
  }

  /// Throws Error if a run over what is there has found no scene to compare with.
  void expect_some() const {
    if (!journal_.accepted().empty() || summary_.failed > 0) return;
    if (left_out_all()) {
      fail_expected({options_.map.area, "an area that overlaps a scene", "one of other ground"});
    }
    fail_expected(
        {options_.source, "at least one scene (" + raster_endings() + ", or items of a catalogue)", "none"});
  }
  bool left_out_all() const { return area_ && journal_.has_scenes(); }

  const WatchOptions& options_;
  const MapModel& model_;
  const WatchReports& reports_;
  std::unique_ptr<SceneSource> source_;
  std::string since_;
  WatchJournal journal_;
  Webhook webhook_;
  std::optional<Footprint> area_;
  std::map<std::string, std::string> told_;
  std::map<std::string, int> tries_;
  WatchSummary summary_;
  bool has_failed_tiles_ = false;  ///< in the last map, which is to be tried again
};

void check(const WatchOptions& options) {
  if (!options.webhook.empty() && !is_url(options.webhook))
    fail_expected({"--webhook", "an address with http:// or https://", options.webhook});
  if (!options.since.empty() && !time_in_text(options.since))
    fail_expected({"--since", "a date as 2019-05-01", options.since});
  make_folder(options.output / "maps");
}

}  // namespace

WatchSummary watch(const WatchOptions& options, const MapModel& model, const WatchReports& reports,
                   const std::stop_token& stop) try {
  check(options);
  start_gdal();
  const QuietGdal quiet;
  return Watch(options, model, reports).run(stop);
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::geo

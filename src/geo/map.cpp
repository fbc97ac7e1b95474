#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/geo/map.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "core/utf8.h"
#include "geo/area_of_interest.h"
#include "geo/gdal_use.h"
#include "geo/ground.h"
#include "geo/journal.h"
#include "geo/plan.h"
#include "geo/publish.h"
#include "geo/scene_stack.h"
#include "geo/series_tiles.h"
#include "geo/shared/scene_date.h"
#include "geo/tile_model.h"
#include "geo/tile_reader.h"
#include "geo/tiling.h"
#include "geo/vector_file.h"

namespace ccexpert::geo {
namespace {

namespace fs = std::filesystem;

/// Probability from which a change is more likely than none.
constexpr double kLikely = 0.5;

/// Returns the results of a batch, in its order.
std::vector<TileResult> results_of(const std::vector<ReadTile>& tiles, const MapOptions& options,
                                   const MapModel& model, double threshold) {
  std::vector<TileResult> results;
  for (const auto& tile : tiles) {
    auto& result = results.emplace_back();
    result.tile = tile.index;
    set_pixels(result, tile.pair, options.min_valid);
    result.pictures = tile.pictures;
    result.error = tile.error;
    if (!tile.error.empty()) result.skipped = false;
  }
  Asked asked;
  for (size_t i = 0; i < tiles.size(); ++i) {
    if (!results[i].skipped && results[i].error.empty()) asked.add(tiles[i].pair, results[i]);
  }
  ask(asked, model, threshold);
  for (size_t i = 0; i < tiles.size(); ++i) {
    if (options.report.empty() || !tells_change(results[i]).value_or(false)) {
      results[i].words.clear();
    } else {
      results[i].cards = {page::report_picture(tiles[i].pair.before),
                          page::report_picture(tiles[i].pair.after)};
    }
  }
  return results;
}

/// Throws Error for a path that a journal, which is JSON, cannot have.
void expect_utf8(const char* option, const fs::path& file) {
  if (!file.empty() && first_invalid_utf8(fs::absolute(file).string()) != std::string::npos)
    fail_expected({option, "a path in UTF-8", file.string()});
}

void check(const MapOptions& options) {
  format_of(options.output);
  if (options.series.empty() && (options.before.empty() || options.after.empty()))
    fail_expected({"input", "two rasters, BEFORE AFTER", "fewer"});
  if (!options.series.empty()) expect_series(options);
  if (options.batch < 1)
    fail_expected({"--batch-size", "at least one tile", fmt::format("{}", options.batch)});
  if (options.resume && options.overwrite) fail_expected({"output", "--resume or --overwrite", "both"});
  expect_utf8("--heatmap", options.heatmap);
  expect_utf8("--report", options.report);
  expect_distinct(options.output, options.heatmap, options.report, !options.series.empty());
}

void expect_free(const fs::path& file) {
  if (is_there(file)) fail_expected({file.string(), "no such file yet", "one", "--overwrite replaces it"});
}

/// Throws Error if a file of the map exists that is not to be replaced.
void expect_free(const MapOptions& options) {
  if (options.overwrite) return;
  const bool is_series = !options.series.empty();
  for (const auto& file : published_files(options.output, options.heatmap, is_series)) expect_free(file);
  if (!options.report.empty()) expect_free(options.report);
}

/// Throws Error if a file exists that a resumed map is to write and the interrupted one was not.
void expect_new_files_free(const Plan& interrupted, const Plan& resumed) {
  if (interrupted.heatmap != resumed.heatmap) expect_free(resumed.heatmap);
  if (interrupted.report != resumed.report) expect_free(resumed.report);
}

/// Returns the tiles that meet the area of interest.
std::vector<int64_t> places_of(const Tiling& tiling, const MapOptions& options, const Grid& grid) {
  const AreaOfInterest area(options.area, grid);
  std::vector<int64_t> places;
  for (int64_t tile = 0; tile < tiling.count(); ++tile) {
    if (area.meets(tiling.window(tile))) places.push_back(tile);
  }
  return places;
}

std::vector<int64_t> of_shard(const std::vector<int64_t>& places, const Shard& shard) {
  std::vector<int64_t> mine;
  for (size_t i = 0; i < places.size(); ++i) {
    if (is_in_shard(shard, static_cast<int64_t>(i), static_cast<int64_t>(places.size())))
      mine.push_back(places[i]);
  }
  return mine;
}

void tell_errors(const std::vector<TileResult>& results, const MapReports& reports) {
  if (!reports.note) return;
  for (const auto& result : results) {
    if (!result.error.empty()) reports.note(fmt::format("tile {}: {}", result.tile, result.error));
  }
}

Existing existing_journal(const MapOptions& options) {
  if (options.overwrite) return Existing::kReplace;
  return options.resume ? Existing::kResume : Existing::kRefuse;
}

/// Work of one process on its tiles.
class Run {
 public:
  Run(const MapOptions& options, const MapModel& model, const MapReports& reports)
      : options_(options),
        model_(model),
        reports_(reports),
        scene_(options),
        size_(tile_size(options.tile, options.overlap, Ground(scene_.grid()).pixel_metres())),
        tiling_(scene_.grid(), size_),
        places_(places_of(tiling_, options, scene_.grid())),
        mine_(of_shard(places_, options.shard)),
        plan_(plan_of()) {}

  const Plan& plan() const { return plan_; }

  /// Captions the tiles that the journal lacks. The journal stays locked while it exists.
  MapSummary caption_tiles(std::optional<Journal>& kept, const std::stop_token& stop) {
    auto& journal =
        kept.emplace(journal_path(options_.output, options_.shard), plan_, existing_journal(options_));
    MapSummary summary{.tiles = plan_.mine, .resumed = journal.size()};
    auto left = mine_;
    std::erase_if(left, [&](int64_t tile) { return journal.has(tile); });
    if (reports_.start) reports_.start(summary.tiles - summary.resumed, summary.resumed);
    scene_.register_tiles({0, 0, size_.width, size_.height}, options_.registration);
    TileReader reader(scene_, tiling_, std::move(left), tiles_at_once());
    for (auto tiles = reader.next(); !tiles.empty() && !stop.stop_requested(); tiles = reader.next()) {
      const auto results = scene_.is_series() ? series_results(tiles, options_, model_, plan_.threshold)
                                              : results_of(tiles, options_, model_, plan_.threshold);
      // A caption cut short by a stop is not the model's caption.
      if (stop.stop_requested()) break;
      journal.write(results);
      for (const auto& result : results) count(result, summary);
      tell_errors(results, reports_);
      if (reports_.done) reports_.done(static_cast<int64_t>(results.size()));
    }
    summary.interrupted = stop.stop_requested();
    return summary;
  }

 private:
  /// A tile of a series has a pair for each date.
  int64_t tiles_at_once() const {
    return std::max<int64_t>(1, options_.batch / std::max<int64_t>(1, std::ssize(options_.series)));
  }

  Plan plan_of() const {
    const auto calibrated = model_.changed_from ? model_.changed_from() : std::nullopt;
    Plan plan{.before = options_.series.empty() ? options_.before : options_.series.front().raster,
              .after = options_.series.empty() ? options_.after : options_.series.back().raster,
              .series = options_.series,
              .grid = scene_.grid(),
              .tile = size_,
              .shard = options_.shard,
              .places = static_cast<int64_t>(places_.size()),
              .mine = static_cast<int64_t>(mine_.size()),
              .threshold = options_.threshold.value_or(calibrated ? kLikely : 0.0),
              .changed_from = options_.changed_from.value_or(calibrated.value_or(kChangedFrom)),
              .merge = options_.merge,
              .heatmap = options_.heatmap.empty() ? "" : fs::absolute(options_.heatmap).string(),
              .report = options_.report.empty() ? "" : fs::absolute(options_.report).string(),
              .identity = {}};
    plan.identity = identity_of(options_, plan);
    return plan;
  }

  const MapOptions& options_;
  const MapModel& model_;
  const MapReports& reports_;
  SceneStack scene_;
  TileSize size_;
  Tiling tiling_;
  std::vector<int64_t> places_, mine_;
  Plan plan_;
};

}  // namespace

MapModel model_of(const Captioner& captioner, const CaptionOptions& options) {
  return {.caption = [&captioner, options](
                         std::span<const ImagePair> pairs) { return captioner.caption(pairs, options); },
          .locate = [&captioner, stop = options.stop](
                        std::span<const ImagePair> pairs) { return captioner.locate(pairs, stop); },
          .changed_from =
              [&captioner] {
                return captioner.calibrated() ? std::optional(captioner.change_threshold()) : std::nullopt;
              }};
}

void expect_format(const fs::path& output) {
  format_of(output);
}

MapSummary map_scene(const MapOptions& options, const MapModel& model, const MapReports& reports,
                     const std::stop_token& stop) try {
  check(options);
  start_gdal();
  const QuietGdal quiet;
  const BoundedCache cache(options.cache_megabytes);
  const auto path = journal_path(options.output, options.shard);
  const bool starts = !options.resume || !is_there(path);
  if (!options.resume) expect_free(options);
  expect_publishable(options.output, options.heatmap);
  if (!options.report.empty()) expect_writable(options.report);
  std::optional<Journal> kept;
  MapSummary summary;
  {
    Run run(options, model, reports);
    if (options.resume && starts && is_published(options, run.plan().identity)) return {};
    if (starts) {
      expect_free(options);
    } else {
      expect_new_files_free(JournalReader(path).plan(), run.plan());
    }
    summary = run.caption_tiles(kept, stop);
  }
  if (summary.interrupted) return summary;
  const JournalReader journal(path);
  if (!journal.is_complete()) {
    fail_expected({path.string(), fmt::format("{} tiles", journal.plan().mine),
                   std::to_string(journal.lines().size()), "--resume does the rest"});
  }
  if (options.shard.count > 1) return summary;
  auto all = publish({&journal, 1}, options.output);
  all.resumed = summary.resumed;
  // Tiles with an error can be tried again.
  if (all.failed == 0) fs::remove(path);
  return all;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::geo

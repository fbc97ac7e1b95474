#include "geo/publish.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "geo/changed_areas.h"
#include "geo/heatmap.h"
#include "geo/layer_values.h"
#include "geo/map_page.h"
#include "geo/map_report.h"
#include "geo/overview.h"
#include "geo/qgis_style.h"
#include "geo/series_publish.h"
#include "geo/tiling.h"
#include "geo/vector_file.h"
#include "geo/work_folder.h"

namespace ccexpert::geo {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

/// Most errors that the summary lists; the layer has all of them.
constexpr size_t kListedErrors = 100;

/// Counts of a map while its layers are written.
struct Totals {
  MapSummary summary;
  double valid = 0.0, masked = 0.0, area = 0.0, changed_area = 0.0;
  int64_t changed_areas = 0;
  ordered_json errors = ordered_json::array();

  void count(const TileResult& result) {
    ++summary.tiles;
    valid += result.valid;
    masked += result.masked;
    if (result.skipped) {
      ++summary.skipped;
    } else if (!result.error.empty()) {
      ++summary.failed;
      tell(result.tile, result.error);
    } else {
      ++(result.quiet ? summary.quiet : summary.captioned);
    }
  }
  void tell(int64_t tile, const std::string& error) {
    if (errors.size() < kListedErrors) errors.push_back({{"tile", tile}, {"error", error}});
  }
  double share(double sum) const {
    return summary.tiles == 0 ? 0.0 : rounded(sum / static_cast<double>(summary.tiles), 1e-6);
  }
};

ordered_json summary_of(const Plan& plan, const fs::path& output, const Totals& totals) {
  const auto& counts = totals.summary;
  return {{"identity", plan.identity},
          {"before", plan.before},
          {"after", plan.after},
          {"output", output.filename().string()},
          {"pixels", {plan.grid.width, plan.grid.height}},
          {"tile_pixels", {plan.tile.width, plan.tile.height}},
          {"overlap_pixels", {plan.tile.overlap_x, plan.tile.overlap_y}},
          {"threshold", plan.threshold},
          {"tiles",
           {{"all", counts.tiles},
            {"captioned", counts.captioned},
            {"below_threshold", counts.quiet},
            {"skipped", counts.skipped},
            {"failed", counts.failed}}},
          {"valid_share", totals.share(totals.valid)},
          {"masked_share", totals.share(totals.masked)},
          {"captioned_area_m2", rounded(totals.area, 1.0)},
          {"changed_areas", totals.changed_areas},
          {"changed_area_m2", rounded(totals.changed_area, 1.0)},
          {"errors", totals.errors}};
}

/// Raster of change under construction.
struct HeatFile {
  HeatFile(const Plan& plan, int64_t cell)
      : work(fs::path(plan.heatmap)), heatmap(work.path() / "under-construction.tif", plan.grid, cell) {}

  WorkFolder work;
  Heatmap heatmap;
};

/// Writer of all files of one map.
class Publication {
 public:
  Publication(std::span<const JournalReader> journals, const fs::path& output)
      : plan_(journals.front().plan()),
        found_(in_order(journals)),
        output_(output),
        tiling_(plan_.grid, plan_.tile),
        overview_(plan_.grid, std::max(plan_.tile.width, plan_.tile.height)),
        work_(output),
        files_(work_.path(), output.filename(), plan_.grid) {
    const image::Image black{
        overview_.height, overview_.width,
        std::vector<uint8_t>(static_cast<size_t>(3 * overview_.width * overview_.height))};
    page_.dates = {black, black};
  }

  MapSummary write() {
    write_tiles();
    write_changes();
    add_qgis_styles(files_);
    files_.close();
    finish_heatmap();
    const auto summary = summary_of(plan_, output_, totals_);
    write_file(work_.path() / beside(output_, ".summary.json").filename(), text_of_json(summary));
    write_file(work_.path() / beside(output_, ".html").filename(),
               map_page(plan_, summary, std::move(page_)));
    work_.move_files();
    return totals_.summary;
  }

 private:
  void write_tiles() {
    auto layer = files_.layer("tiles", {{"tile", OFTInteger64},
                                        {"caption"},
                                        {"changed", OFTInteger, OFSTBoolean},
                                        {"score", OFTReal},
                                        {"logprob", OFTReal},
                                        {"area_m2", OFTReal},
                                        {"valid", OFTReal},
                                        {"masked", OFTReal},
                                        {"shift_x", OFTReal},
                                        {"shift_y", OFTReal},
                                        {"unsure", OFTInteger, OFSTBoolean},
                                        {"error"}});
    for (const auto& found : found_) {
      auto result = found.read();
      const auto frame = result.skipped ? Ring() : frame_of(files_, tiling_.window(result.tile));
      if (!result.skipped && frame.empty()) leave_out(result);
      totals_.count(result);
      for (size_t date = 0; date < 2; ++date)
        place(result.pictures[date], tiling_.own_part(result.tile), overview_, page_.dates[date]);
      if (!frame.empty()) add_tile(layer, result, frame);
    }
    page_.change = page_.dates[1];
  }

  void leave_out(TileResult& result) {
    left_out_.insert(result.tile);
    if (result.error.empty()) result.error = "has no longitude and latitude, which the format needs";
  }

  void add_tile(VectorLayer& layer, const TileResult& result, const Ring& frame) {
    const auto window = tiling_.window(result.tile);
    const auto area = tile_area(files_, window);
    const bool captioned = !result.quiet && result.error.empty();
    if (captioned) {
      totals_.area += area.value_or(0.0);
      if (result.changed.value_or(true))
        page_.tiles.push_back({result.tile, result.score.value_or(0.0), result.caption});
    }
    std::optional<double> score = result.score, logprob;
    if (score) score = rounded(*score, 1e-6);
    if (captioned) logprob = rounded(result.logprob, 1e-6);
    layer.add({{frame}},
              {result.tile, text_or_none(result.caption), value_or_none(result.changed), value_or_none(score),
               value_or_none(logprob), value_or_none(area), rounded(result.valid, 1e-6),
               rounded(result.masked, 1e-6), result.shift ? FieldValue((*result.shift)[0]) : FieldValue(),
               result.shift ? FieldValue((*result.shift)[1]) : FieldValue(), value_or_none(result.unsure),
               text_or_none(result.error)});
    add_heat(window, result.map);
  }

  void add_heat(const Window& window, const image::ChangeMap& map) {
    if (plan_.heatmap.empty() || map.grid == 0) return;
    if (!heat_) {
      const int64_t side = std::min(window.width, window.height);
      heat_ = std::make_unique<HeatFile>(plan_, std::max<int64_t>(1, side / map.grid));
    }
    heat_->heatmap.add(window, map);
  }

  void finish_heatmap() {
    if (!heat_) return;
    heat_->heatmap.finish(heat_->work.path() / fs::path(plan_.heatmap).filename());
    heat_->work.move_files();
  }

  /// Returns the changed ground of a tile, if its caption tells of a change.
  std::vector<ChangedArea> changed_in(const TileResult& result) const {
    if (result.quiet || result.map.grid == 0 || !result.changed.value_or(true) ||
        left_out_.contains(result.tile))
      return {};
    const TilePart part{result.tile, tiling_.window(result.tile), tiling_.own_part(result.tile)};
    return changed_areas(part, result.map, plan_.changed_from);
  }

  void write_changes() {
    auto layer = files_.layer("changes", {{"tile", OFTInteger64},
                                          {"tiles", OFTInteger64},
                                          {"caption"},
                                          {"score", OFTReal},
                                          {"area_m2", OFTReal}});
    std::vector<ChangedArea> all;
    for (const auto& found : found_) {
      const auto result = found.read();
      auto areas = changed_in(result);
      if (plan_.merge) {
        std::ranges::move(areas, std::back_inserter(all));
      } else {
        simplify(areas);
        for (const auto& area : areas) add_area(layer, area, result);
      }
    }
    all = joined(std::move(all));
    simplify(all);
    for (const auto& area : all) add_area(layer, area, result_of(area.tile));
  }

  TileResult result_of(int64_t tile) const {
    return std::ranges::lower_bound(found_, tile, {}, [](const auto& found) { return found.line.tile; })
        ->read();
  }

  /// Adds changed ground of which the caption of a tile tells.
  void add_area(VectorLayer& layer, const ChangedArea& area, const TileResult& result) try {
    const auto metres = area_of(files_, area.polygon);
    layer.add({area.polygon}, {area.tile, area.tiles, text_or_none(result.caption),
                               rounded(result.score.value_or(0.0), 1e-6), value_or_none(metres)});
    totals_.changed_area += metres.value_or(0.0);
    ++totals_.changed_areas;
    paint(area.polygon, overview_, page_.change);
  } catch (const Fault&) {
    throw;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInput) throw;
    totals_.tell(area.tile, std::string("has changed ground that is left out: ") + error.what());
  }

  const Plan& plan_;
  std::vector<FoundResult> found_;
  fs::path output_;
  Tiling tiling_;
  OverviewGrid overview_;
  WorkFolder work_;
  VectorFiles files_;
  std::unique_ptr<HeatFile> heat_;
  Totals totals_;
  std::set<int64_t> left_out_;  ///< tiles that the format cannot have
  MapPage page_;
};

/// Returns the one name of a file that may not be there yet.
fs::path whole(const fs::path& path) {
  return fs::weakly_canonical(fs::absolute(path));
}

}  // namespace

void expect_publishable(const fs::path& output, const fs::path& heatmap) {
  expect_writable(output);
  if (heatmap.empty()) return;
  expect_writable(heatmap);
  expect_heatmap_driver();
}

bool is_published(const fs::path& output, const std::string& identity) {
  const auto summary = beside(output, ".summary.json");
  if (!is_there(output) || !is_there(summary)) return false;
  const auto json = nlohmann::json::parse(read_file(summary), nullptr, false);
  return json.is_object() && json.contains("identity") && json["identity"] == identity;
}

std::vector<fs::path> published_files(const fs::path& output, const fs::path& heatmap, bool is_series) {
  std::vector<fs::path> files{output, beside(output, ".summary.json"), beside(output, ".html")};
  std::vector<std::string> layers{"changes"};
  if (is_series) {
    files.push_back(beside(output, ".timeline.jsonl"));
    layers.insert(layers.end(), {"span_tiles", "span_changes"});
  }
  for (const auto& layer : layers) {
    if (const auto file = layer_path(output, layer, false); file != output) files.push_back(file);
  }
  if (!heatmap.empty()) files.push_back(heatmap);
  return files;
}

void expect_distinct(const fs::path& output, const fs::path& heatmap, const fs::path& report,
                     bool is_series) {
  auto taken = published_files(output, "", is_series);
  const auto take = [&](const char* option, const fs::path& file) {
    if (file.empty()) return;
    const auto is_same = [&](const fs::path& other) { return whole(other) == whole(file); };
    if (std::ranges::any_of(taken, is_same))
      fail_expected({option, "a file that the map does not write already", file.string()});
    taken.push_back(file);
  };
  take("--heatmap", heatmap);
  take("--report", report);
}

MapSummary publish(std::span<const JournalReader> journals, const fs::path& output) {
  const auto& plan = journals.front().plan();
  const auto summary =
      plan.series.empty() ? Publication(journals, output).write() : publish_series(journals, output);
  if (!plan.report.empty()) write_map_report(journals);
  return summary;
}

}  // namespace ccexpert::geo

#include "geo/publish.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>

#include "core/files.h"
#include "core/rounded.h"
#include "geo/changed_areas.h"
#include "geo/heatmap.h"
#include "geo/layer_rows.h"
#include "geo/map_page.h"
#include "geo/map_report.h"
#include "geo/publication.h"
#include "geo/qgis_style.h"
#include "geo/series_publish.h"

namespace ccexpert::geo {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

/// Sums over the tiles of a map while its layers are written.
struct Sums {
  double valid = 0.0, masked = 0.0, area = 0.0, changed_area = 0.0;
  int64_t changed_areas = 0;
};

ordered_json summary_of(const PublicationFiles& files, const Totals& totals, const Sums& sums) {
  const auto tiles = totals.summary.tiles;
  const auto share = [tiles](double sum) {
    return tiles == 0 ? 0.0 : rounded(sum / static_cast<double>(tiles), 1e6);
  };
  const auto& plan = files.plan;
  ordered_json summary{
      {"identity", plan.identity}, {"before", plan.before}, {"after", plan.after}, {"merge", plan.merge}};
  summary.update(common_summary(files, totals.summary));
  summary.update(ordered_json{{"valid_share", share(sums.valid)},
                              {"masked_share", share(sums.masked)},
                              {"captioned_area_m2", rounded(sums.area, 1.0)},
                              {"changed_areas", sums.changed_areas},
                              {"changed_area_m2", rounded(sums.changed_area, 1.0)},
                              {"errors", totals.errors}});
  return summary;
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
      : map_(journals, output), plan_(map_.plan) {
    page_.dates = {map_.black(), map_.black()};
  }

  MapSummary write() {
    write_tiles();
    write_changes();
    add_qgis_styles(map_.files);
    map_.files.close();
    finish_heatmap();
    const auto summary = summary_of(map_, totals_, sums_);
    write_file(map_.in_work(".summary.json"), text_of_json(summary));
    write_file(map_.in_work(".html"), map_page(plan_, summary, std::move(page_)));
    map_.work.move_files();
    return totals_.summary;
  }

 private:
  void write_tiles() {
    auto layer = map_.files.layer("tiles", kinds_of(tile_row()));
    for (const auto& found : map_.found) {
      auto result = found.read();
      const auto frame = map_.frame(result);
      if (!result.skipped && frame.empty()) left_out_.insert(result.tile);
      totals_.add(result);
      sums_.valid += result.valid;
      sums_.masked += result.masked;
      map_.place(result, page_.dates);
      if (!frame.empty()) add_tile(layer, result, frame);
    }
    page_.change = page_.dates[1];
  }

  void add_tile(VectorLayer& layer, const TileResult& result, const Ring& frame) {
    const auto window = map_.tiling.window(result.tile);
    const auto area = tile_area(map_.files, window);
    if (!result.quiet && result.error.empty()) sums_.area += area.value_or(0.0);
    if (tells_change(result).value_or(false))
      page_.tiles.push_back({result.tile, result.score.value_or(0.0), result.caption});
    layer.add({{frame}}, values_of(tile_row(result, area)));
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
    if (!heat_) {
      if (!plan_.heatmap.empty())
        log::warning(plan_.heatmap +
                     ": not written, since no tile has enough valid pixels for a map of change");
      return;
    }
    heat_->heatmap.finish(heat_->work.path() / fs::path(plan_.heatmap).filename());
    heat_->work.move_files();
  }

  /// Returns the changed ground of a tile, if its caption tells of a change.
  std::vector<ChangedArea> changed_in(const TileResult& result) const {
    const bool is_told = tells_change(result).value_or(false) && !left_out_.contains(result.tile);
    if (!is_told || result.map.grid == 0) return {};
    const TilePart part{result.tile, map_.tiling.window(result.tile), map_.tiling.own_part(result.tile)};
    return changed_areas(part, result.map, plan_.changed_from);
  }

  void write_changes() {
    auto layer = map_.files.layer("changes", kinds_of(change_row()));
    std::vector<ChangedArea> all;
    for (const auto& found : map_.found) {
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
    return std::ranges::lower_bound(map_.found, tile, {}, [](const auto& found) { return found.line.tile; })
        ->read();
  }

  /// Adds changed ground of which the caption of a tile tells.
  void add_area(VectorLayer& layer, const ChangedArea& area, const TileResult& result) {
    add_or_leave_out(area.tile, totals_, [&] {
      const auto metres = area_of(map_.files, area.polygon);
      const ChangeText change{area.tile, area.tiles, result.caption, result.score.value_or(0.0), metres};
      layer.add({area.polygon}, values_of(change_row(change)));
      sums_.changed_area += metres.value_or(0.0);
      ++sums_.changed_areas;
      paint(area.polygon, map_.overview, page_.change);
    });
  }

  PublicationFiles map_;
  const Plan& plan_;
  std::unique_ptr<HeatFile> heat_;
  Totals totals_;
  Sums sums_;
  std::set<int64_t> left_out_;  ///< tiles that the format cannot have
  MapPage page_;
};

/// True if tiles of a published map have maps of change, of which a raster is made.
bool has_maps(const nlohmann::json& tiles) {
  return tiles.at("captioned") > 0 || tiles.at("below_threshold") > 0;
}

/// Throws Error for a file that is asked for and that a published map lacks: its results are gone.
void expect_published(const char* option, const fs::path& file, const fs::path& output) {
  if (file.empty() || is_there(file)) return;
  fail_expected({option, "a file that the finished map " + output.string() + " has",
                 file.string() + ", which is not there", "--overwrite makes the map again"});
}

/// Throws Error if changes are to be joined and those of the published map are not, or the reverse.
void expect_same_merge(const nlohmann::json& summary, const MapOptions& options) {
  if (summary.value("merge", options.merge) == options.merge) return;
  const char* hint = "--overwrite makes the map again";
  const auto map = options.output.string();
  if (options.merge)
    fail_expected({"--merge", "a map that was made with it", map + ", made without it", hint});
  fail_expected({"--resume", "--merge, with which " + map + " was made", "no --merge", hint});
}

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

bool is_published(const MapOptions& options, const std::string& identity) {
  const auto file = beside(options.output, ".summary.json");
  if (!is_there(options.output) || !is_there(file)) return false;
  const auto summary = nlohmann::json::parse(read_file(file), nullptr, false);
  if (!summary.is_object() || summary.value("identity", nlohmann::json()) != identity) return false;
  expect_same_merge(summary, options);
  if (has_maps(summary.at("tiles"))) expect_published("--heatmap", options.heatmap, options.output);
  expect_published("--report", options.report, options.output);
  return true;
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

namespace {

/// Returns what a map writes into one of its files.
std::string role_of(const fs::path& file, const fs::path& output, const fs::path& heatmap) {
  const std::pair<fs::path, const char*> roles[] = {
      {output, "the map"},
      {beside(output, ".summary.json"), "the summary of the map"},
      {beside(output, ".html"), "the page with the overview, which every map has"},
      {beside(output, ".timeline.jsonl"), "the timeline of the series"},
      {heatmap, "the raster of --heatmap"}};
  const auto* role = std::ranges::find_if(roles, [&](const auto& each) { return each.first == file; });
  return role != std::end(roles) ? role->second : "a layer of the map";
}

}  // namespace

void expect_distinct(const fs::path& output, const fs::path& heatmap, const fs::path& report,
                     bool is_series) {
  auto taken = published_files(output, "", is_series);
  const auto take = [&](const char* option, const fs::path& file) {
    if (file.empty()) return;
    const auto same =
        std::ranges::find_if(taken, [&](const fs::path& other) { return whole(other) == whole(file); });
    if (same != taken.end())
      fail_expected({option, "a file that the map does not write already", file.string(),
                     role_of(*same, output, heatmap) + "; choose another name"});
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

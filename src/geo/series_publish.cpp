#include "geo/series_publish.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "geo/changed_areas.h"
#include "geo/layer_values.h"
#include "geo/overview.h"
#include "geo/qgis_style.h"
#include "geo/series_page.h"
#include "geo/series_tiles.h"
#include "geo/tiling.h"
#include "geo/vector_file.h"
#include "geo/work_folder.h"

namespace ccexpert::geo {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr size_t kListedErrors = 100;

/// What a pair of dates tells about a tile.
struct Told {
  std::string caption;
  double score = 0.0;
  std::optional<bool> transient;
};

/// Findings of a pair of dates over all tiles.
struct PairFindings {
  SeriesPair dates;
  PairCounts counts;
  std::vector<ChangedArea> areas;
  std::map<int64_t, Told> told;  ///< by tile, of tiles with a change
};

std::vector<FieldKind> with_dates(std::vector<FieldKind> fields) {
  const std::vector<FieldKind> dates{{"from"}, {"to"}, {"begin", OFTDateTime}, {"end", OFTDateTime}};
  fields.insert(fields.begin() + 1, dates.begin(), dates.end());
  return fields;
}

/// Returns a number with six decimals at most.
double short_number(double value) {
  return std::round(value * 1e6) / 1e6;
}

/// Returns the place of a pair in the order of the timeline: steps, then the span.
std::pair<PairKind, int64_t> key_of(const SeriesPair& dates) {
  return {dates.kind, dates.to};
}

class SeriesPublication {
 public:
  SeriesPublication(std::span<const JournalReader> journals, const fs::path& output)
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
    page_.dates.assign(plan_.series.size(), black);
  }

  MapSummary write() {
    write_tiles("tiles", PairKind::kStep);
    write_changes("changes", PairKind::kStep);
    write_tiles("span_tiles", PairKind::kSpan);
    write_changes("span_changes", PairKind::kSpan);
    add_series_styles(files_, is_timed());
    files_.close();
    write_file(in_work(".timeline.jsonl"), timeline_);
    const auto summary = summary_json();
    write_file(in_work(".summary.json"), text_of_json(summary));
    write_file(in_work(".html"), series_page(plan_, summary, page_));
    work_.move_files();
    return summary_;
  }

 private:
  fs::path in_work(const char* ending) const { return work_.path() / beside(output_, ending).filename(); }

  /// True if the times of all dates are known.
  bool is_timed() const {
    return std::ranges::none_of(plan_.series, [](const SceneDate& date) { return date.time.empty(); });
  }

  const SceneDate& date(int64_t number) const { return plan_.series.at(static_cast<size_t>(number)); }

  /// Writes the layer of the pairs of one kind. The first one also counts tiles and writes the timeline.
  void write_tiles(const char* name, PairKind kind) {
    auto layer = files_.layer(name, with_dates({{"tile", OFTInteger64},
                                                {"caption"},
                                                {"changed", OFTInteger, OFSTBoolean},
                                                {"transient", OFTInteger, OFSTBoolean},
                                                {"score", OFTReal},
                                                {"logprob", OFTReal},
                                                {"area_m2", OFTReal},
                                                {"valid", OFTReal},
                                                {"masked", OFTReal},
                                                {"shift_x", OFTReal},
                                                {"shift_y", OFTReal},
                                                {"unsure", OFTInteger, OFSTBoolean},
                                                {"error"}}));
    for (const auto& found : found_) {
      const auto result = found.read();
      const auto window = tiling_.window(result.tile);
      const auto frame = result.skipped ? Ring() : frame_of(files_, window);
      if (kind == PairKind::kStep) take(result, frame);
      if (frame.empty()) continue;
      const auto area = tile_area(files_, window);
      if (!result.error.empty() && kind == PairKind::kStep) add_failed(layer, result, frame, area);
      for (const auto& pair : result.pairs) {
        if (dates_of(pair).kind == kind && !pair.skipped) add_tile(layer, pair, frame, area);
      }
    }
  }

  /// Counts a tile, adds its pictures, and the rows of its pairs to the timeline.
  void take(const TileResult& result, const Ring& frame) {
    ++summary_.tiles;
    std::string error = result.error;
    if (!result.skipped && frame.empty() && error.empty())
      error = "has no longitude and latitude, which the format needs";
    if (result.skipped) {
      ++summary_.skipped;
    } else if (!error.empty()) {
      ++summary_.failed;
      tell(result.tile, error);
    } else {
      ++(result.quiet ? summary_.quiet : summary_.captioned);
    }
    for (size_t i = 0; i < std::min(result.date_pictures.size(), page_.dates.size()); ++i)
      place(result.date_pictures[i], tiling_.own_part(result.tile), overview_, page_.dates[i]);
    for (const auto& pair : result.pairs) {
      if (!pair.skipped) add_row(pair);
      find(pair, !frame.empty());
    }
  }

  void add_row(const TileResult& pair) {
    const auto &from = date(dates_of(pair).from), &to = date(dates_of(pair).to);
    ordered_json row{{"tile", pair.tile}, {"from", from.name}, {"to", to.name}};
    if (!from.time.empty()) row["begin"] = from.time;
    if (!to.time.empty()) row["end"] = to.time;
    row["kind"] = text_of(dates_of(pair).kind);
    if (const auto changed = tells_change(pair)) row["changed"] = *changed;
    if (pair.score) row["score"] = short_number(*pair.score);
    if (!pair.quiet) {
      row["caption"] = pair.caption;
      row["logprob"] = short_number(pair.logprob);
    }
    if (dates_of(pair).transient) row["transient"] = dates_of(pair).transient.value();
    if (pair.unsure) row["unsure"] = *pair.unsure;
    row["valid"] = short_number(pair.valid);
    timeline_ += row.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  }

  /// Adds what a pair tells to the findings of its dates; around is for the timeline only.
  void find(const TileResult& pair, bool placed) {
    if (dates_of(pair).kind == PairKind::kAround) return;
    auto& findings = findings_[key_of(dates_of(pair))];
    findings.dates = {dates_of(pair).from, dates_of(pair).to, dates_of(pair).kind};
    ++(pair.skipped ? findings.counts.skipped
       : pair.quiet ? findings.counts.quiet
                    : findings.counts.captioned);
    if (!placed || !tells_change(pair).value_or(false)) return;
    ++findings.counts.changed;
    if (dates_of(pair).transient.value_or(false)) ++findings.counts.transient;
    const Told told{pair.caption, pair.score.value_or(0.0), dates_of(pair).transient};
    findings.told.emplace(pair.tile, told);
    page_.changes.push_back({dates_of(pair), pair.tile, told.score, told.caption});
    if (pair.map.grid == 0) return;
    const TilePart part{pair.tile, tiling_.window(pair.tile), tiling_.own_part(pair.tile)};
    std::ranges::move(changed_areas(part, pair.map, plan_.changed_from), std::back_inserter(findings.areas));
  }

  void add_tile(VectorLayer& layer, const TileResult& pair, const Ring& frame, std::optional<double> area) {
    const auto &from = date(dates_of(pair).from), &to = date(dates_of(pair).to);
    std::optional<double> score = pair.score, logprob;
    if (score) score = rounded(*score, 1e-6);
    if (!pair.quiet) logprob = rounded(pair.logprob, 1e-6);
    layer.add(
        {{frame}},
        {pair.tile, from.name, to.name, text_or_none(from.time), text_or_none(to.time),
         text_or_none(pair.caption), value_or_none(pair.changed), value_or_none(dates_of(pair).transient),
         value_or_none(score), value_or_none(logprob), value_or_none(area), rounded(pair.valid, 1e-6),
         rounded(pair.masked, 1e-6), pair.shift ? FieldValue((*pair.shift)[0]) : FieldValue(),
         pair.shift ? FieldValue((*pair.shift)[1]) : FieldValue(), value_or_none(pair.unsure), FieldValue()});
  }

  static void add_failed(VectorLayer& layer, const TileResult& result, const Ring& frame,
                         std::optional<double> area) {
    std::vector<FieldValue> values(17);
    values.front() = result.tile;
    values[10] = value_or_none(area);
    values.back() = result.error;
    layer.add({{frame}}, values);
  }

  void write_changes(const char* name, PairKind kind) {
    auto layer = files_.layer(name, with_dates({{"tile", OFTInteger64},
                                                {"tiles", OFTInteger64},
                                                {"caption"},
                                                {"transient", OFTInteger, OFSTBoolean},
                                                {"score", OFTReal},
                                                {"area_m2", OFTReal}}));
    for (auto& [key, findings] : findings_) {
      if (findings.dates.kind != kind) continue;
      if (plan_.merge) findings.areas = joined(std::move(findings.areas));
      simplify(findings.areas);
      auto picture = page_.dates.at(static_cast<size_t>(findings.dates.to));
      for (const auto& area : findings.areas) {
        add_change(layer, findings, area);
        paint(area.polygon, overview_, picture);
      }
      findings.areas = {};
      page_.pairs.push_back({findings.dates, findings.counts, std::move(picture)});
    }
  }

  void add_change(VectorLayer& layer, PairFindings& findings, const ChangedArea& area) try {
    const auto &from = date(findings.dates.from), &to = date(findings.dates.to);
    const auto& told = findings.told.at(area.tile);
    const auto metres = area_of(files_, area.polygon);
    layer.add({area.polygon}, {area.tile, from.name, to.name, text_or_none(from.time), text_or_none(to.time),
                               area.tiles, text_or_none(told.caption), value_or_none(told.transient),
                               rounded(told.score, 1e-6), value_or_none(metres)});
    findings.counts.area += metres.value_or(0.0);
    ++findings.counts.areas;
  } catch (const Fault&) {
    throw;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInput) throw;
    tell(area.tile, std::string("has changed ground that is left out: ") + error.what());
  }

  void tell(int64_t tile, const std::string& error) {
    if (errors_.size() < kListedErrors) errors_.push_back({{"tile", tile}, {"error", error}});
  }

  ordered_json summary_json() const {
    auto dates = ordered_json::array(), pairs = ordered_json::array();
    for (const auto& each : plan_.series)
      dates.push_back({{"name", each.name}, {"raster", each.raster}, {"time", each.time}});
    for (const auto& [key, findings] : findings_) {
      const auto& counts = findings.counts;
      pairs.push_back({{"from", date(findings.dates.from).name},
                       {"to", date(findings.dates.to).name},
                       {"kind", text_of(findings.dates.kind)},
                       {"captioned", counts.captioned},
                       {"below_threshold", counts.quiet},
                       {"skipped", counts.skipped},
                       {"changed", counts.changed},
                       {"transient", counts.transient},
                       {"changed_areas", counts.areas},
                       {"changed_area_m2", rounded(counts.area, 1.0)}});
    }
    return {{"identity", plan_.identity},
            {"dates", dates},
            {"output", output_.filename().string()},
            {"pixels", {plan_.grid.width, plan_.grid.height}},
            {"tile_pixels", {plan_.tile.width, plan_.tile.height}},
            {"overlap_pixels", {plan_.tile.overlap_x, plan_.tile.overlap_y}},
            {"threshold", plan_.threshold},
            {"tiles",
             {{"all", summary_.tiles},
              {"captioned", summary_.captioned},
              {"below_threshold", summary_.quiet},
              {"skipped", summary_.skipped},
              {"failed", summary_.failed}}},
            {"pairs", pairs},
            {"errors", errors_}};
  }

  const Plan& plan_;
  std::vector<FoundResult> found_;
  fs::path output_;
  Tiling tiling_;
  OverviewGrid overview_;
  WorkFolder work_;
  VectorFiles files_;
  MapSummary summary_;
  ordered_json errors_ = ordered_json::array();
  std::string timeline_;
  std::map<std::pair<PairKind, int64_t>, PairFindings> findings_;
  SeriesPage page_;
};

}  // namespace

MapSummary publish_series(std::span<const JournalReader> journals, const fs::path& output) {
  return SeriesPublication(journals, output).write();
}

}  // namespace ccexpert::geo

#include "geo/series_publish.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/rounded.h"
#include "geo/changed_areas.h"
#include "geo/layer_rows.h"
#include "geo/publication.h"
#include "geo/qgis_style.h"
#include "geo/series_page.h"

namespace ccexpert::geo {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

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

/// Returns the place of a pair in the order of the timeline: steps, then the span.
std::pair<PairKind, int64_t> key_of(const SeriesPair& dates) {
  return {dates.kind, dates.to};
}

class SeriesPublication {
 public:
  SeriesPublication(std::span<const JournalReader> journals, const fs::path& output)
      : map_(journals, output), plan_(map_.plan) {
    page_.dates.assign(plan_.series.size(), map_.black());
  }

  MapSummary write() {
    write_tiles("tiles", PairKind::kStep);
    write_changes("changes", PairKind::kStep);
    write_tiles("span_tiles", PairKind::kSpan);
    write_changes("span_changes", PairKind::kSpan);
    add_series_styles(map_.files, is_timed());
    map_.files.close();
    write_file(map_.in_work(".timeline.jsonl"), timeline_);
    const auto summary = summary_json();
    write_file(map_.in_work(".summary.json"), text_of_json(summary));
    write_file(map_.in_work(".html"), series_page(plan_, summary, page_));
    map_.work.move_files();
    return totals_.summary;
  }

 private:
  /// True if the times of all dates are known.
  bool is_timed() const {
    return std::ranges::none_of(plan_.series, [](const SceneDate& date) { return date.time.empty(); });
  }

  const SceneDate& date(int64_t number) const { return plan_.series.at(static_cast<size_t>(number)); }

  /// Writes the layer of the pairs of one kind. The first one also counts tiles and writes the timeline.
  void write_tiles(const char* name, PairKind kind) {
    auto layer = map_.files.layer(name, kinds_of(with_pair(tile_row())));
    for (const auto& found : map_.found) {
      auto result = found.read();
      const auto frame = map_.frame(result);
      if (kind == PairKind::kStep) take(result, frame);
      if (frame.empty()) continue;
      const auto area = tile_area(map_.files, map_.tiling.window(result.tile));
      if (!result.error.empty() && kind == PairKind::kStep)
        layer.add({{frame}}, values_of(with_pair(tile_row(result, area))));
      for (const auto& pair : result.pairs) {
        const auto& dates = dates_of(pair);
        if (dates.kind != kind || pair.skipped) continue;
        layer.add({{frame}}, values_of(with_pair(tile_row(pair, area), pair_text(dates, dates.transient))));
      }
    }
  }

  /// Counts a tile, adds its pictures, and the rows of its pairs to the timeline.
  void take(const TileResult& result, const Ring& frame) {
    totals_.add(result);
    map_.place(result, page_.dates);
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
    if (pair.score) row["score"] = rounded(*pair.score, 1e6);
    if (!pair.quiet) {
      row["caption"] = pair.caption;
      row["logprob"] = rounded(pair.logprob, 1e6);
    }
    if (dates_of(pair).transient) row["transient"] = dates_of(pair).transient.value();
    if (pair.unsure) row["unsure"] = *pair.unsure;
    row["valid"] = rounded(pair.valid, 1e6);
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
    const TilePart part{pair.tile, map_.tiling.window(pair.tile), map_.tiling.own_part(pair.tile)};
    std::ranges::move(changed_areas(part, pair.map, plan_.changed_from), std::back_inserter(findings.areas));
  }

  PairText pair_text(const SeriesPair& pair, std::optional<bool> transient) const {
    const auto &from = date(pair.from), &to = date(pair.to);
    return {from.name, to.name, from.time, to.time, transient};
  }

  void write_changes(const char* name, PairKind kind) {
    auto layer = map_.files.layer(name, kinds_of(with_pair(change_row())));
    for (auto& [key, findings] : findings_) {
      if (findings.dates.kind != kind) continue;
      if (plan_.merge) findings.areas = joined(std::move(findings.areas));
      simplify(findings.areas);
      auto picture = page_.dates.at(static_cast<size_t>(findings.dates.to));
      for (const auto& area : findings.areas) {
        add_change(layer, findings, area);
        paint(area.polygon, map_.overview, picture);
      }
      findings.areas = {};
      page_.pairs.push_back({findings.dates, findings.counts, std::move(picture)});
    }
  }

  void add_change(VectorLayer& layer, PairFindings& findings, const ChangedArea& area) {
    const auto& told = findings.told.at(area.tile);
    add_or_leave_out(area.tile, totals_, [&] {
      const auto metres = area_of(map_.files, area.polygon);
      const ChangeText change{area.tile, area.tiles, told.caption, told.score, metres};
      const auto pair = pair_text(findings.dates, told.transient);
      layer.add({area.polygon}, values_of(with_pair(change_row(change), pair)));
      findings.counts.area += metres.value_or(0.0);
      ++findings.counts.areas;
    });
  }

  ordered_json summary_json() const {
    auto pairs = ordered_json::array();
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
    ordered_json summary{{"identity", plan_.identity}, {"dates", to_json(plan_.series)}};
    summary.update(common_summary(map_, totals_.summary));
    summary["pairs"] = std::move(pairs);
    summary["errors"] = totals_.errors;
    return summary;
  }

  PublicationFiles map_;
  const Plan& plan_;
  Totals totals_;
  std::string timeline_;
  std::map<std::pair<PairKind, int64_t>, PairFindings> findings_;
  SeriesPage page_;
};

}  // namespace

MapSummary publish_series(std::span<const JournalReader> journals, const fs::path& output) {
  return SeriesPublication(journals, output).write();
}

}  // namespace ccexpert::geo

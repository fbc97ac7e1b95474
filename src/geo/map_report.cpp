#include "geo/map_report.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/foreign_errors.h"
#include "core/rounded.h"
#include "geo/ground.h"
#include "geo/layer_values.h"
#include "geo/tiling.h"
#include "page/report.h"

namespace ccexpert::geo {
namespace {

constexpr size_t kMostCards = 1000;

page::SeriesKind kind_of(PairKind kind) {
  if (kind == PairKind::kStep) return page::SeriesKind::kStep;
  return kind == PairKind::kAround ? page::SeriesKind::kAround : page::SeriesKind::kSpan;
}

/// Returns the highest score of a tile, or of its pairs.
double score_of(const TileResult& result) {
  double score = result.score.value_or(0.0);
  for (const auto& pair : result.pairs) score = std::max(score, pair.score.value_or(0.0));
  return score;
}

/// Writer of the cards of tiles.
class Cards {
 public:
  explicit Cards(const Plan& plan)
      : plan_(plan), tiling_(plan.grid, plan.tile), ground_(plan.grid), writer_(plan.report, head_of(plan)) {}

  void add(const TileResult& tile) {
    std::vector<int64_t> images;
    for (const auto& card : tile.cards) images.push_back(writer_.add_image(card));
    if (tile.pairs.empty()) add(tile, images.front(), images.back());
    for (const auto& pair : tile.pairs) {
      if (!pair.skipped) {
        add(pair, images.at(static_cast<size_t>(dates_of(pair).from)),
            images.at(static_cast<size_t>(dates_of(pair).to)));
      }
    }
  }
  void finish() { writer_.finish(); }

 private:
  static page::ReportHead head_of(const Plan& plan) {
    if (plan.series.empty()) {
      return {.title = fmt::format("Changes from {} to {}", plan.before, plan.after),
              .lead = "Tiles of ccexpert-map whose caption tells of a change"};
    }
    return {.title = fmt::format("Changes from {} to {}", plan.series.front().name, plan.series.back().name),
            .lead = "Tiles of ccexpert-map --series with a change between two dates"};
  }

  void add(const TileResult& result, int64_t before, int64_t after) {
    page::ReportEntry entry{.uid = fmt::format("tile {}", result.tile),
                            .order = order_++,
                            .before = before,
                            .after = after,
                            .caption = result.caption,
                            .logprob = {},
                            .score = result.score,
                            .changed = tells_change(result),
                            .unsure = result.unsure.value_or(false),
                            .map = result.map,
                            .words = result.words,
                            .note = place_of(result.tile)};
    if (result.quiet) {
      entry.note += "; no caption: the score is below the threshold";
    } else {
      entry.logprob = rounded(result.logprob, 1e6);
    }
    if (const auto& dates = result.dates) {
      entry.series = {.place = entry.uid,
                      .from = plan_.series.at(static_cast<size_t>(dates->from)).name,
                      .to = plan_.series.at(static_cast<size_t>(dates->to)).name,
                      .kind = kind_of(dates->kind),
                      .transient = dates->transient.value_or(false)};
    }
    writer_.add(entry);
  }

  /// Returns longitude and latitude of a tile's centre, if it has them.
  std::string place_of(int64_t tile) const try {
    const auto window = tiling_.window(tile);
    const Point centre{static_cast<double>(window.x) + 0.5 * static_cast<double>(window.width),
                       static_cast<double>(window.y) + 0.5 * static_cast<double>(window.height)};
    const auto degrees = ground_.to_degrees(Ring{centre}).front();
    return fmt::format("at {:.6f}, {:.6f}", degrees.y, degrees.x);
  } catch (const Fault&) {
    throw;
  } catch (const Error&) {
    return "";
  }

  const Plan& plan_;
  Tiling tiling_;
  Ground ground_;
  page::ReportWriter writer_;
  int64_t order_ = 0;
};

}  // namespace

void write_map_report(std::span<const JournalReader> journals) {
  const auto found = in_order(journals);
  std::vector<std::pair<double, size_t>> changed;
  for (size_t i = 0; i < found.size(); ++i) {
    if (const auto tile = found[i].read(); !tile.cards.empty()) changed.emplace_back(-score_of(tile), i);
  }
  std::ranges::sort(changed);
  changed.resize(std::min(changed.size(), kMostCards));
  std::set<size_t> chosen;
  for (const auto& [score, place] : changed) chosen.insert(place);
  Cards cards(journals.front().plan());
  for (const size_t place : chosen) cards.add(found[place].read());
  cards.finish();
}

}  // namespace ccexpert::geo

#include "geo/series_tiles.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "geo/tile_model.h"

namespace ccexpert::geo {
namespace {

/// Pairs of a tile while the model is asked. Elements of a deque stay in place.
class TilePairs {
 public:
  TilePairs(const ReadTile& tile, double min_valid)
      : tile_(tile), min_valid_(min_valid), last_(static_cast<int64_t>(tile.dates.images.size()) - 1) {}

  /// Adds the steps, and the first against the last date.
  void add_steps(Asked& asked) {
    for (int64_t date = 1; date <= last_; ++date) add({date - 1, date, PairKind::kStep}, asked);
    if (last_ > 1) add({0, last_, PairKind::kSpan}, asked);
  }

  /// Adds the dates around each one whose both steps tell of a change.
  void add_around(Asked& asked) {
    for (int64_t date = 1; date < last_; ++date) {
      if (step_changed(date).value_or(false) && step_changed(date + 1).value_or(false))
        add({date - 1, date + 1, PairKind::kAround}, asked);
    }
  }

  /// Returns the result of the tile.
  TileResult finish() {
    for (auto& pair : pairs_) mark(pair);
    std::ranges::stable_sort(pairs_, {}, [](const TileResult& pair) { return order_of(*pair.dates); });
    TileResult result{.tile = tile_.index, .masked = tile_.dates.masked};
    result.skipped = result.quiet = true;
    for (auto& pair : pairs_) {
      result.valid = std::max(result.valid, pair.valid);
      result.skipped &= pair.skipped;
      result.quiet &= pair.skipped || pair.quiet;
      result.pairs.push_back(std::move(pair));
    }
    result.pictures = tile_.pictures;
    return result;
  }

 private:
  void add(const SeriesPair& dates, Asked& asked) {
    images_.push_back(pair_of(tile_.dates, static_cast<size_t>(dates.from), static_cast<size_t>(dates.to)));
    auto& result = pairs_.emplace_back();
    result.tile = tile_.index;
    result.dates = dates;
    set_pixels(result, images_.back(), min_valid_);
    if (!result.skipped) asked.add(images_.back(), result);
  }

  /// Place of a pair in the result: the span is the last one.
  static std::pair<int64_t, PairKind> order_of(const SeriesPair& dates) {
    if (dates.kind == PairKind::kAround) return {dates.to - 1, dates.kind};
    return {dates.kind == PairKind::kSpan ? dates.to + 1 : dates.to, dates.kind};
  }

  const TileResult* found(PairKind kind, int64_t to) const {
    const auto pair = std::ranges::find_if(pairs_, [&](const TileResult& each) {
      return dates_of(each).kind == kind && dates_of(each).to == to;
    });
    return pair == pairs_.end() ? nullptr : &*pair;
  }

  /// Returns what the step into a date tells.
  std::optional<bool> step_changed(int64_t date) const {
    const auto* step = found(PairKind::kStep, date);
    return step == nullptr ? std::nullopt : tells_change(*step);
  }

  /// True if the change of a date comes and goes in it; nothing if that is unknown.
  std::optional<bool> vanishes(int64_t date) const {
    if (date == 0 || date == last_) return false;
    const auto in = step_changed(date), out = step_changed(date + 1);
    if (in == false || out == false) return false;
    const auto* around = found(PairKind::kAround, date + 1);
    const auto changed = around == nullptr ? std::nullopt : tells_change(*around);
    return changed ? std::optional(!*changed) : std::nullopt;
  }

  void mark(TileResult& pair) const {
    auto& dates = pair.dates.value();
    if (dates.kind == PairKind::kSpan || pair.skipped) return;
    const bool is_step = dates.kind == PairKind::kStep;
    const auto here = vanishes(is_step ? dates.to : dates.to - 1);
    const auto before = is_step ? vanishes(dates.from) : std::optional(false);
    if (here == true || before == true)
      dates.transient = true;
    else if (here && before)
      dates.transient = false;
  }

  const ReadTile& tile_;
  double min_valid_;
  int64_t last_;
  std::deque<TilePair> images_;
  std::deque<TileResult> pairs_;
};

}  // namespace

std::vector<TileResult> series_results(const std::vector<ReadTile>& tiles, const MapOptions& options,
                                       const MapModel& model, double threshold) {
  std::deque<TilePairs> works;
  Asked steps, around;
  for (const auto& tile : tiles) works.emplace_back(tile, options.min_valid).add_steps(steps);
  ask(steps, model, threshold);
  for (auto& work : works) work.add_around(around);
  ask(around, model, threshold);
  std::vector<TileResult> results;
  for (size_t i = 0; i < tiles.size(); ++i) {
    results.push_back(works[i].finish());
    const auto changed = [](const TileResult& pair) { return tells_change(pair).value_or(false); };
    if (!options.report.empty() && std::ranges::any_of(results.back().pairs, changed)) {
      for (const auto& date : tiles[i].dates.images)
        results.back().cards.push_back(page::report_picture(date));
    } else {
      for (auto& pair : results.back().pairs) pair.words.clear();
    }
    if (tiles[i].error.empty()) continue;
    results.back() = {.tile = tiles[i].index};
    results.back().error = tiles[i].error;
  }
  return results;
}

}  // namespace ccexpert::geo

#include "geo/tile_model.h"

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "core/rounded.h"

namespace ccexpert::geo {
namespace {

/// Keeps as many digits of a map as a journal has.
void round_to_steps(image::ChangeMap& map) {
  for (auto& value : map.values) value = journal_value(value);
}

void locate(const Asked& asked, const MapModel& model) {
  if (!model.locate || asked.pairs.empty()) return;
  auto located = model.locate(asked.pairs);
  for (size_t i = 0; i < located.size(); ++i) {
    round_to_steps(located[i].map);
    asked.results[i]->score = located[i].score;
    asked.results[i]->map = std::move(located[i].map);
  }
}

/// Returns the tiles to caption; the others become quiet.
Asked hotspots(const Asked& asked, double threshold) {
  Asked chosen;
  for (size_t i = 0; i < asked.pairs.size(); ++i) {
    auto& result = *asked.results[i];
    result.quiet = result.score.value_or(1.0) < threshold;
    if (result.quiet) continue;
    chosen.pairs.push_back(asked.pairs[i]);
    chosen.results.push_back(&result);
  }
  return chosen;
}

void caption(const Asked& asked, const MapModel& model) {
  if (asked.pairs.empty()) return;
  auto captions = model.caption(asked.pairs);
  for (size_t i = 0; i < captions.size(); ++i) {
    asked.results[i]->caption = captions[i].text;
    asked.results[i]->logprob = captions[i].logprob;
    asked.results[i]->unsure = captions[i].unsure;
    for (auto& word : captions[i].words) {
      round_to_steps(word.map);
      asked.results[i]->words.push_back({word.word, std::move(word.map)});
    }
    if (model.says_unchanged) asked.results[i]->changed = !model.says_unchanged(captions[i].text);
  }
}

std::optional<std::array<double, 2>> shift_of(const TilePair& pair) {
  if (!pair.shift) return std::nullopt;
  return std::array{rounded(pair.shift->x, 1e3), rounded(pair.shift->y, 1e3)};
}

}  // namespace

void Asked::add(const TilePair& pair, TileResult& result) {
  pairs.push_back({pair.before.view(), pair.after.view()});
  results.push_back(&result);
}

void ask(const Asked& asked, const MapModel& model, double threshold) {
  locate(asked, model);
  caption(hotspots(asked, threshold), model);
}

void set_pixels(TileResult& result, const TilePair& pair, double min_valid) {
  result.valid = pair.valid;
  result.masked = pair.masked;
  result.skipped = pair.valid < min_valid || pair.valid == 0.0;
  result.shift = shift_of(pair);
}

}  // namespace ccexpert::geo

#include "synth/shared/pair.h"

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/foreign_errors.h"
#include "synth/captions.h"
#include "synth/classes.h"
#include "synth/paint.h"
#include "synth/stories.h"

namespace ccexpert::synth {
namespace {

/// Separate streams, so that more draws for one use do not affect the others.
enum class Use : uint64_t { kOrder = 1, kScene, kText, kLook };

Random random_of(const PairSource& source, Use use, int64_t index) {
  return {source.seed, static_cast<uint64_t>(index) * 16 + static_cast<uint64_t>(use)};
}

void check(const PairSource& source, int64_t index) {
  if (source.size < kSmallestSize || source.size > kLargestSize) {
    fail_expected(
        {"size", fmt::format("{} to {} pixels", kSmallestSize, kLargestSize), std::to_string(source.size)});
  }
  if (index < 0) fail_expected({"pair index", "0 or more", std::to_string(index)});
}

/// One of two neighbours has changed, at random.
bool is_changed(const PairSource& source, int64_t index) {
  return (index % 2 == 0) == random_of(source, Use::kOrder, index / 2).chance(0.5);
}

struct Told {
  Scene scene;
  PairText text;
};

Told tell(const PairSource& source, int64_t index) {
  check(source, index);
  auto random = random_of(source, Use::kScene, index);
  Told told{compose_changed(random, static_cast<int>(source.size)), {is_changed(source, index), {}}};
  if (told.text.changed) {
    auto words = random_of(source, Use::kText, index);
    told.text.captions = captions_of(words, facts_of(told.scene));
    return told;
  }
  // An unchanged place is a changed pair's place at one of its dates: no single image reveals whether its
  // pair has changed. In Texas, most places that did not change are country that nobody built on.
  if (told.scene.world == World::kTexas && random.chance(0.35))
    told.scene = compose_country(random, static_cast<int>(source.size));
  freeze(told.scene, random.below(2));
  told.text.captions.assign(kUnchangedSentences.begin(), kUnchangedSentences.end());
  return told;
}

}  // namespace

SyntheticPair generate_pair(const PairSource& source, int64_t index) try {
  auto told = tell(source, index);
  auto random = random_of(source, Use::kLook, index);
  auto [first, second] = looks_of(random, told.scene.world);
  // Some unchanged pairs are one photograph in two versions; none of their differences is a change.
  const double again = told.scene.world == World::kTexas ? 0.08 : 0.15;
  if (!told.text.changed && random.chance(again)) second = another_print(random, first);
  // Masks and class maps match the first image; the second is slightly shifted.
  first.shift = {};
  first.turn = 0;
  first.zoom = 1;
  const auto before = object_map(told.scene, 0);
  const auto after = object_map(told.scene, 1);
  return {render({told.scene, 0, first}), render({told.scene, 1, second}), change_mask(before, after),
          class_map(told.scene, 0),       class_map(told.scene, 1),        std::move(told.text)};
} catch (...) {
  rethrow_as_error();
}

PairText describe_pair(const PairSource& source, int64_t index) try {
  return tell(source, index).text;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::synth

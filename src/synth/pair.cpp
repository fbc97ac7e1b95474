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

struct Drawn {
  Scene scene;
  PairText text;
};

/// An unchanged place is a changed pair's place at one of its dates: no single image reveals whether its pair
/// has changed. In Texas, most places that did not change are country that nobody built on.
Scene compose_unchanged(Random& random, int size) {
  const World world = any_world(random);
  const bool country = world == World::kTexas && random.chance(0.35);
  Scene scene = country ? compose_country(random, size) : compose_changed(random, world, size);
  freeze(scene, random.below(2));
  return scene;
}

Drawn draw(const PairSource& source, int64_t index) {
  check(source, index);
  auto random = random_of(source, Use::kScene, index);
  const auto size = static_cast<int>(source.size);
  if (!is_changed(source, index)) {
    const auto& same = kUnchangedSentences;
    return {compose_unchanged(random, size), {false, {same.begin(), same.end()}}};
  }
  Drawn drawn{compose_changed(random, size), {true, {}}};
  auto words = random_of(source, Use::kText, index);
  drawn.text.captions = captions_of(words, facts_of(drawn.scene));
  return drawn;
}

}  // namespace

SyntheticPair generate_pair(const PairSource& source, int64_t index) try {
  auto drawn = draw(source, index);
  auto random = random_of(source, Use::kLook, index);
  auto [first, second] = looks_of(random, drawn.scene.world);
  // Some unchanged pairs are one photograph in two versions; none of their differences is a change.
  const double again = drawn.scene.world == World::kTexas ? 0.08 : 0.15;
  if (!drawn.text.changed && random.chance(again)) second = another_print(random, first);
  // Masks and class maps match the first image; the second is slightly shifted.
  first.shift = {};
  first.turn = 0;
  first.zoom = 1;
  const auto before = object_map(drawn.scene, 0);
  const auto after = object_map(drawn.scene, 1);
  return {render({drawn.scene, 0, first}), render({drawn.scene, 1, second}), change_mask(before, after),
          class_map(drawn.scene, 0),       class_map(drawn.scene, 1),        std::move(drawn.text)};
} catch (...) {
  rethrow_as_error();
}

PairText describe_pair(const PairSource& source, int64_t index) try {
  return draw(source, index).text;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::synth

#include "datasets/examine/hash_index.h"

#include <algorithm>

namespace ccexpert::datasets {
namespace {

bool is_better(const Likeness& a, const Likeness& b) {
  const int images_a = int{a.before} + int{a.after}, images_b = int{b.before} + int{b.after};
  return images_a != images_b ? images_a > images_b : a.distance < b.distance;
}

}  // namespace

std::optional<Likeness> HashIndex::find(const PairHash& pair, int64_t most, bool one_suffices) const {
  std::optional<Likeness> best;
  for (size_t i = 0; i < pairs_.size(); ++i) {
    const auto& other = pairs_[i];
    Likeness found{.number = i, .before = look_alike(pair.before, other.before, most)};
    if (!found.before && !one_suffices) continue;
    found.after = look_alike(pair.after, other.after, most);
    if (!(found.before && found.after) && !(one_suffices && (found.before || found.after))) continue;
    found.distance = std::max(found.before ? distance(pair.before, other.before) : 0,
                              found.after ? distance(pair.after, other.after) : 0);
    if (!best || is_better(found, *best)) best = found;
  }
  return best;
}

}  // namespace ccexpert::datasets

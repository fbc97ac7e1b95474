// Agreement of a pair's results with those of its images in other orders.
#pragma once

#include <ccexpert/captioner.h>

namespace ccexpert::generate {

/// Smallest score of a change.
inline constexpr double kChangedScore = 0.5;

/// Captions, with their changes, of a pair, of the pair swapped and of its first image against itself.
struct CheckedPair {
  const Caption& pair;
  const Caption& swapped;
  const Caption& same;
};

/// True if they disagree about a change, or see one in equal images. Scores count if they are `calibrated`;
/// else an unknown sentence about equal images that a pair's order repeats counts as a change.
bool is_unsure(const CheckedPair& checked, bool calibrated);

}  // namespace ccexpert::generate

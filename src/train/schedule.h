// Learning rate schedule of a run.
#pragma once

#include <cstdint>

#include <ccexpert/train/choices.h>

namespace ccexpert::train {

/// Linear warm-up from 0, then cosine decay to 0 (or a constant rate), as in transformers: the first warm-up
/// step runs at 0.
struct Schedule {
  int64_t total_steps = 1;
  int64_t warmup_steps = 0;
  Decay decay = Decay::kCosine;

  /// Returns the factor in [0, 1] of the base learning rate at `step`, counted from 0.
  double factor(int64_t step) const;
};

/// Returns a schedule whose warm-up takes `ceil(warmup_ratio * total_steps)` steps (spec section 9).
Schedule make_schedule(Decay decay, int64_t total_steps, double warmup_ratio);

}  // namespace ccexpert::train

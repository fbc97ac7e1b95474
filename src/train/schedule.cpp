#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace ccexpert::train {

double Schedule::factor(int64_t step) const {
  const auto at = static_cast<double>(step);
  if (step < warmup_steps) return at / static_cast<double>(std::max<int64_t>(1, warmup_steps));
  if (decay == Decay::kConstant) return 1.0;
  const auto decay_steps = static_cast<double>(std::max<int64_t>(1, total_steps - warmup_steps));
  const double progress = (at - static_cast<double>(warmup_steps)) / decay_steps;
  return std::max(0.0, 0.5 * (1.0 + std::cos(std::numbers::pi * progress)));
}

Schedule make_schedule(Decay decay, int64_t total_steps, double warmup_ratio) {
  const double warmup = std::ceil(warmup_ratio * static_cast<double>(total_steps));
  return {.total_steps = total_steps, .warmup_steps = static_cast<int64_t>(warmup), .decay = decay};
}

}  // namespace ccexpert::train

// Config values without effect.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <ccexpert/train/config.h>

namespace ccexpert::train {

/// Value that differs from the default although another key makes its key unused.
struct NoEffect {
  std::string key;
  std::string expected;  ///< the default, and the reason why other values have no effect
  std::string got;
  std::function<void(TrainConfig&)> remove;  ///< sets the default
};

/// Returns the values in the order of the fields. Sees only the config: conflicts with a checkpoint are found
/// when the checkpoint is read.
std::vector<NoEffect> values_without_effect(const TrainConfig& config);

}  // namespace ccexpert::train

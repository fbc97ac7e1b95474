// Values of a config that would change nothing.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <ccexpert/train/config.h>

namespace ccexpert::train {

/// A value other than the default whose key is not read, because of another key.
struct NoEffect {
  std::string key;
  std::string expected;  ///< the default, and why nothing else has an effect
  std::string got;
  std::function<void(TrainConfig&)> remove;  ///< sets the default
};

/// In the order of the fields. Knows the config alone: what a checkpoint decides is found when it is read.
std::vector<NoEffect> values_without_effect(const TrainConfig& config);

}  // namespace ccexpert::train

// FLOPs of a training step, for model FLOPs utilisation (MFU).
#pragma once

#include <ccexpert/model/config.h>

#include "train/parameter_groups.h"

namespace ccexpert::train {

/// Parts in which only low-rank products train: their matrices have no gradients.
struct LowRankParts {
  bool vision = false;
  bool diff_expert = false;
  bool projector = false;
  bool decoder = false;
};

/// Parts of the model that gradients reach, which determine the cost of a backward pass.
struct TrainedParts {
  bool vision = false;
  bool diff_expert = false;
  bool projector = false;
  bool decoder = false;
  LowRankParts low_rank = {};
};
TrainedParts trained_parts(const std::vector<TrainableParameter>& parameters);

/// Returns the floating point operations of one step over `pairs` and `tokens` (image tokens included):
/// matrix products and attention scores, forward and backward, without recomputation (the usual count for
/// MFU).
double step_flops(const model::ModelConfig& config, const TrainedParts& parts, int64_t pairs, int64_t tokens);

}  // namespace ccexpert::train

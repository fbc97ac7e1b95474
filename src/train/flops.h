// Arithmetic of a training step, for model FLOPs utilisation.
#pragma once

#include <ccexpert/model/config.h>
#include <ccexpert/train/parameter_groups.h>

namespace ccexpert::train {

/// Which parts of the model gradients reach: what a backward pass costs depends on it.
struct TrainedParts {
  bool vision = false;
  bool diff_expert = false;
  bool projector = false;
  bool decoder = false;
};
TrainedParts trained_parts(const std::vector<TrainableParameter>& parameters);

/// Floating point operations of one step over so many pairs and tokens (image tokens included): matrix
/// products and attention scores, forward and backward, nothing computed twice (the usual count for MFU).
double step_flops(const ModelConfig& config, const TrainedParts& parts, int64_t pairs, int64_t tokens);

}  // namespace ccexpert::train

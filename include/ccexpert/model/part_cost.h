/// Cost of a model's parts, from their sizes: arithmetic of a forward pass and values for the backward pass.
#pragma once

#include <cstdint>
#include <vector>

#include <ccexpert/model/config.h>
#include <ccexpert/model/parts.h>

namespace ccexpert::model {

/// Size of a batch of pairs.
struct BatchSize {
  int64_t pairs = 1;   ///< B
  int64_t tokens = 0;  ///< of all sequences, image tokens included
};

/// Numbers of values that a part keeps from its forward pass for the backward pass; an estimate.
struct KeptValues {
  double blocks = 0.0;        ///< number of blocks
  double block = 0.0;         ///< values of one block
  double block_inputs = 0.0;  ///< values of one block with gradient checkpointing
  double outputs = 0.0;       ///< values that other parts read, and keep
};

struct PartCost {             ///< Work and memory of a part
  Part part = Part::kVision;  ///< of the model
  /// Of products with weights and of attention scores in a forward pass. The gradients of inputs cost the
  /// same once more, and so do those of weights.
  double multiply_adds = 0.0;
  KeptValues kept = {};  ///< for the backward pass
};

/// Returns the cost of each part of the model that computes products, in the order of the forward pass.
std::vector<PartCost> part_costs(const ModelConfig& config, const BatchSize& batch);

}  // namespace ccexpert::model

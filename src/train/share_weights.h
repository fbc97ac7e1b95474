// Distribution of a model's weights over ranks, before they are loaded.
#pragma once

#include <memory>
#include <vector>

#include <ccexpert/model/weights.h>

#include "train/weight_shards.h"

namespace ccexpert::train {

/// Applies the rules like apply_rules, but also returns the frozen parameters, with a factor of 0.
std::vector<TrainableParameter> all_parameters(torch::nn::Module& model,
                                               const std::vector<ParameterRule>& rules);
/// Returns all parameters of the model, of which the `chosen` ones train.
std::vector<TrainableParameter> with_frozen(const torch::nn::Module& model,
                                            const std::vector<TrainableParameter>& chosen);

/// Selects the values of a checkpoint that belong to this rank's shards.
model::SelectWeights selection_of(const std::shared_ptr<WeightShards>& shards);

}  // namespace ccexpert::train

/// Which parameters train, and how fast: rules on their names.
#pragma once

#include <string>
#include <vector>

#include <torch/nn/module.h>

#include <ccexpert/train/sections.h>

namespace ccexpert::train {

struct TrainableParameter {
  std::string name;
  at::Tensor tensor;
  double lr_factor = 1.0;
  double weight_decay = 0.0;
};

/// Whether `name` is of the form of `pattern`, in which * stands for any characters.
bool matches(std::string_view pattern, std::string_view name);

/// Applies the rules to all parameters: of several that match, the last holds; what none matches, or a factor
/// of 0, is frozen (`requires_grad` off). Returns what trains, in the model's order. Throws Error for a rule
/// that matches nothing and where nothing trains.
std::vector<TrainableParameter> apply_rules(torch::nn::Module& model,
                                            const std::vector<ParameterRule>& rules);

}  // namespace ccexpert::train

// Rules on parameter names: which parameters train, and at which learning rate.
#pragma once

#include <string>
#include <vector>

#include <torch/nn/module.h>

#include <ccexpert/train/course.h>

namespace ccexpert::train {

struct TrainableParameter {
  std::string name;
  at::Tensor tensor;
  double lr_factor = 1.0;
  double weight_decay = 0.0;
};

/// True if `name` matches `pattern`, in which * matches any characters.
bool matches(std::string_view pattern, std::string_view name);

/// Applies the rules to all parameters. The last rule that matches applies; a parameter without a match, or
/// with a factor of 0, is frozen (`requires_grad` off). Returns the trainable parameters in the model's
/// order. Throws Error for a rule without effect, and if nothing trains.
std::vector<TrainableParameter> apply_rules(torch::nn::Module& model,
                                            const std::vector<ParameterRule>& rules);

}  // namespace ccexpert::train

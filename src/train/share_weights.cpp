#include "train/share_weights.h"

#include <map>

#include <ATen/ATen.h>

namespace ccexpert::train {

std::vector<TrainableParameter> all_parameters(torch::nn::Module& model,
                                               const std::vector<ParameterRule>& rules) {
  return with_frozen(model, apply_rules(model, rules));
}

std::vector<TrainableParameter> with_frozen(const torch::nn::Module& model,
                                            const std::vector<TrainableParameter>& chosen) {
  std::map<std::string, TrainableParameter> trained;
  for (const auto& parameter : chosen) trained[parameter.name] = parameter;
  std::vector<TrainableParameter> all;
  for (const auto& item : model.named_parameters()) {
    const auto found = trained.find(item.key());
    all.push_back(found != trained.end() ? found->second
                                         : TrainableParameter{item.key(), item.value(), 0.0, 0.0});
  }
  return all;
}

model::SelectWeights selection_of(const std::shared_ptr<WeightShards>& shards) {
  return [shards](const model::ExpectedTensor& expected, const at::Tensor& stored) {
    const auto part = shards->held_part(expected.target);
    const int64_t end = part.begin + part.values.numel();
    return model::WeightCopy{stored.flatten().slice(0, part.begin, end), part.values};
  };
}

}  // namespace ccexpert::train

#include "train/share_weights.h"

#include <map>

#include <ATen/ATen.h>

namespace ccexpert::train {

std::vector<TrainableParameter> all_parameters(torch::nn::Module& model,
                                               const std::vector<ParameterRule>& rules) {
  std::map<std::string, TrainableParameter> trained;
  for (auto& parameter : apply_rules(model, rules)) trained[parameter.name] = std::move(parameter);
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

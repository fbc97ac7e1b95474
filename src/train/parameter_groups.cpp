#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/train/parameter_groups.h>

namespace ccexpert::train {

bool matches(std::string_view pattern, std::string_view name) {
  size_t p = 0, n = 0, star = std::string_view::npos, resume = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = n;
    } else if (p < pattern.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::vector<TrainableParameter> apply_rules(torch::nn::Module& model,
                                            const std::vector<ParameterRule>& rules) {
  std::vector<int64_t> uses(rules.size(), 0);
  std::vector<TrainableParameter> trainable;
  for (auto& item : model.named_parameters()) {
    const ParameterRule* holds = nullptr;
    for (size_t i = 0; i < rules.size(); ++i) {
      if (!matches(rules[i].pattern, item.key())) continue;
      holds = &rules[i];
      ++uses[i];
    }
    const bool trains = holds != nullptr && holds->lr_factor > 0.0;
    item.value().requires_grad_(trains);
    if (trains) trainable.push_back({item.key(), item.value(), holds->lr_factor, holds->weight_decay});
  }
  for (size_t i = 0; i < rules.size(); ++i) {
    if (uses[i] == 0)
      fail({"parameters", "patterns that match", fmt::format("'{}', which matches none", rules[i].pattern)});
  }
  if (trainable.empty()) fail("parameters", "no parameter trains", "a rule with lr_factor above 0 is needed");
  return trainable;
}

}  // namespace ccexpert::train

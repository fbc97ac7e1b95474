#include "train/parameter_groups.h"

#include <set>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert::train {
namespace {

/// Returns each parameter's name, and "part.*" for each part of the model.
std::vector<std::string> possible_patterns(const torch::nn::Module& model) {
  std::set<std::string> patterns;
  for (const auto& item : model.named_parameters()) {
    const auto& name = item.key();
    patterns.insert(name);
    for (size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1)) {
      patterns.insert(name.substr(0, dot) + ".*");
    }
  }
  return {patterns.begin(), patterns.end()};
}

/// Number of parameters that a rule matches, and of those that no later rule matches.
struct Uses {
  int64_t matches = 0;
  int64_t holds = 0;
};

void expect_effect(const ParameterRule& rule, size_t place, const Uses& uses,
                   const torch::nn::Module& model) {
  const auto key = fmt::format("optimizer.parameters[{}].pattern", place);
  if (uses.matches == 0) {
    const auto nearest = nearest_name(rule.pattern, possible_patterns(model));
    fail_expected({key, "a pattern of parameters' names",
                   fmt::format("'{}', which matches none", rule.pattern),
                   nearest.empty() ? "" : fmt::format("did you mean {}?", nearest)});
  }
  if (uses.holds > 0) return;
  fail_expected({key, "a parameter that no later rule matches",
                 fmt::format("'{}', whose {} parameters later rules all match", rule.pattern, uses.matches),
                 "the last rule that matches applies"});
}

}  // namespace

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
  std::vector<Uses> uses(rules.size());
  std::vector<TrainableParameter> trainable;
  for (auto& item : model.named_parameters()) {
    const ParameterRule* holds = nullptr;
    for (size_t i = 0; i < rules.size(); ++i) {
      if (!matches(rules[i].pattern, item.key())) continue;
      holds = &rules[i];
      ++uses[i].matches;
    }
    if (holds != nullptr) ++uses[static_cast<size_t>(holds - rules.data())].holds;
    const bool trains = holds != nullptr && holds->lr_factor > 0.0;
    item.value().requires_grad_(trains);
    if (trains) trainable.push_back({item.key(), item.value(), holds->lr_factor, holds->weight_decay});
  }
  for (size_t i = 0; i < rules.size(); ++i) expect_effect(rules[i], i, uses[i], model);
  if (trainable.empty())
    fail("optimizer.parameters", "no parameter trains", "a rule with lr_factor above 0 is needed");
  return trainable;
}

}  // namespace ccexpert::train

#include "train/lora_run.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/model/weight_layouts.h>

#include "core/printable.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kWeight = ".weight";

model::LoraSize size_of(const LoraSection& section) {
  return {.rank = section.rank, .alpha = section.alpha, .rank_stabilized = section.rslora};
}

bool is_usual(const std::vector<ParameterRule>& rules) {
  const ParameterRule usual;
  return rules.size() == 1 && rules[0].pattern == usual.pattern && rules[0].lr_factor == usual.lr_factor &&
         rules[0].weight_decay == usual.weight_decay;
}

void expect_equal(const char* key, const std::string& stored, const std::string& asked,
                  const model::Adapter& adapter) {
  if (stored == asked) return;
  fail_expected({key, fmt::format("{}, as the adapter in {} has", stored, adapter.folder.string()), asked});
}

void expect_same_size(const model::Adapter& adapter, const LoraSection& section) {
  const auto& size = adapter.config.size;
  if (adapter.config.sizes_differ)
    fail_expected({"lora.start", "an adapter with one rank and one alpha",
                   adapter.folder.string() + " with rank_pattern or alpha_pattern",
                   "merge it into the base with ccexpert-train --export"});
  expect_equal("lora.rank", std::to_string(size.rank), std::to_string(section.rank), adapter);
  expect_equal("lora.alpha", fmt::format("{}", size.alpha), fmt::format("{}", section.alpha), adapter);
  expect_equal("lora.rslora", fmt::format("{}", size.rank_stabilized), fmt::format("{}", section.rslora),
               adapter);
}

void expect_same_targets(const std::vector<std::string>& targets, const model::LoraLayers& stored,
                         const model::Adapter& adapter) {
  const std::set<std::string> asked(targets.begin(), targets.end());
  std::set<std::string> other = asked;
  for (const auto& layer : stored) {
    if (other.erase(layer.name) == 0) other.insert(layer.name);
  }
  if (other.empty()) return;
  fail_expected({"lora.targets", fmt::format("the matrices of the adapter in {}", adapter.folder.string()),
                 fmt::format("{} that only one of both has: {}", other.size(), first_few(other, 3))});
}

/// Puts the layers into the model's order.
model::LoraLayers ordered(model::LoraLayers layers, const std::vector<std::string>& order) {
  const auto place = [&](const auto& layer) { return std::find(order.begin(), order.end(), layer.name); };
  std::sort(layers.begin(), layers.end(),
            [&](const auto& first, const auto& second) { return place(first) < place(second); });
  return layers;
}

/// Throws Error if a rule trains the matrix of a layer, which a merged checkpoint would lose.
void expect_frozen(const model::LoraLayers& lora, const std::vector<TrainableParameter>& trained) {
  std::set<std::string> matrices;
  for (const auto& layer : lora) matrices.insert(layer.name + std::string(kWeight));
  for (const auto& parameter : trained) {
    if (!matrices.contains(parameter.name)) continue;
    fail_expected({"optimizer.parameters", "rules on parameters without a LoRA product",
                   fmt::format("one that trains {}", parameter.name),
                   "lora.targets names the matrix, and LoRA keeps it frozen"});
  }
}

}  // namespace

model::LoraLayers add_lora(model::CcexpertModel& model, const LoraSection& section) {
  if (!section.enabled()) return {};
  return model::add_lora(model, model::lora_targets(model, section.targets), size_of(section));
}

model::LoraLayers start_lora(model::CcexpertModel& model, const TrainConfig& config, const fs::path& saved) {
  const auto& section = config.lora;
  const fs::path from = saved.empty() ? fs::path(section.start) : saved;
  if (!section.enabled()) return {};
  if (from.empty()) {
    auto layers = add_lora(model, section);
    model::initialize_lora(layers, static_cast<uint64_t>(config.seed));
    return layers;
  }
  const auto adapter = model::open_adapter(from);
  expect_same_size(adapter, section);
  const auto targets = model::lora_targets(model, section.targets);
  auto layers = model::attach_adapter(model, adapter);
  expect_same_targets(targets, layers, adapter);
  return ordered(std::move(layers), targets);
}

std::vector<TrainableParameter> trained_weights(model::CcexpertModel& model, const TrainConfig& config) {
  const auto& rules = config.optimizer.parameters;
  if (!config.lora.enabled() || !is_usual(rules)) return apply_rules(model, rules);
  for (auto& parameter : model.parameters()) parameter.requires_grad_(false);
  return {};
}

std::vector<TrainableParameter> lora_trainables(const model::LoraLayers& lora, const TrainConfig& config) {
  std::vector<TrainableParameter> parameters;
  for (const auto& own : model::lora_parameters(lora)) {
    parameters.push_back(
        {own.name, own.tensor.requires_grad_(), config.lora.lr_factor, config.lora.weight_decay});
  }
  return parameters;
}

std::vector<TrainableParameter> model_parameters(model::CcexpertModel& model, const model::LoraLayers& lora,
                                                 const TrainConfig& config) {
  auto parameters = trained_weights(model, config);
  expect_frozen(lora, parameters);
  for (auto& own : lora_trainables(lora, config)) parameters.push_back(std::move(own));
  return parameters;
}

IsFrozen frozen_weights(const TrainConfig& config, bool draws_expert) {
  const auto rules =
      is_usual(config.optimizer.parameters) ? std::vector<ParameterRule>() : config.optimizer.parameters;
  return [rules, draws_expert](const std::string& weight) {
    const auto part = model::part_of(weight);
    const bool of_expert = part == model::Part::kDiffExpert || part == model::Part::kWeighting;
    if (draws_expert && of_expert) return false;
    // The last rule that matches applies.
    const auto rule = std::find_if(rules.rbegin(), rules.rend(),
                                   [&](const auto& each) { return matches(each.pattern, weight); });
    return rule == rules.rend() || rule->lr_factor == 0.0;
  };
}

bool is_lora_parameter(const std::string& name) {
  return name.ends_with(model::kLoraA) || name.ends_with(model::kLoraB);
}

bool trains_only_lora(const std::vector<TrainableParameter>& trained) {
  return std::all_of(trained.begin(), trained.end(),
                     [](const auto& each) { return is_lora_parameter(each.name); });
}

void expect_trained_expert(const model::LoraLayers& lora, const TrainConfig& config) {
  if (lora.empty() || !is_usual(config.optimizer.parameters)) return;
  const bool has_products = std::any_of(lora.begin(), lora.end(), [](const auto& layer) {
    return model::part_of(layer.name) == model::Part::kDiffExpert;
  });
  if (has_products) return;
  fail_expected({"optimizer.parameters", "a rule that trains the fresh Diff Expert",
                 "only the products of LoRA", "add {pattern: \"model.vision_resampler.*\"}"});
}

AdapterFiles adapter_files(const model::LoraLayers& lora, const TrainConfig& config, const fs::path& base) {
  if (lora.empty()) return {};
  const auto* layout = model::weight_layout(config.checkpoint.layout);
  const model::AdapterText text{.size = size_of(config.lora), .base = base.string(), .layout = layout};
  return {model::adapter_config_json(lora, text), model::adapter_tensors(lora, layout)};
}

}  // namespace ccexpert::train

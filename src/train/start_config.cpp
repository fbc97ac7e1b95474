#include "train/start_config.h"

#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>

#include "core/error_place.h"

namespace ccexpert::train {
namespace {

/// The paper's scales, counted from the last block.
constexpr int64_t kScales[] = {-11, -8, -5, -2};

constexpr int64_t kPaperDepth = 2;

/// Converts `layers`, counted from the end, to hidden states counted from the first. Throws Error for layers
/// that the tower lacks.
std::vector<int64_t> counted_from_first(const std::vector<int64_t>& layers,
                                        const model::VisionConfig& vision) {
  const int64_t blocks = vision.num_hidden_layers;
  std::vector<int64_t> counted;
  for (size_t i = 0; i < layers.size(); ++i) {
    const bool ascends = i == 0 || layers[i - 1] < layers[i];
    if (layers[i] < -blocks - 1 || layers[i] > -1 || !ascends) {
      fail_expected(
          {"model.vision_layers",
           fmt::format("ascending layers of -{} to -1, as the tower has {} blocks", blocks + 1, blocks),
           fmt::format("{}", fmt::join(layers, ", "))});
    }
    counted.push_back(blocks + 1 + layers[i]);
  }
  return counted;
}

/// Adds to a base model's config the Diff Expert that training creates.
void add_diff_expert(model::ModelConfig& config, const ModelSection& section) {
  auto layers = section.vision_layers;
  if (layers.empty()) layers.assign(std::begin(kScales), std::end(kScales));
  model::DiffExpertConfig expert;
  expert.per_expert_depth = section.per_expert_depth > 0 ? section.per_expert_depth : kPaperDepth;
  expert.embedding_dim = config.vision.hidden_size;
  expert.mlp_dim = 4 * config.vision.hidden_size;
  config.diff_expert = expert;
  config.image_newline = false;
  config.vision_layers = counted_from_first(layers, config.vision);
}

/// Checks the keys that shape a fresh Diff Expert: they must equal the checkpoint's Diff Expert, if it has
/// one.
void expect_same_expert(const model::ModelConfig& config, const ModelSection& section) {
  constexpr const char* kHint = "another Diff Expert needs a start without one";
  const int64_t depth = config.diff_expert.value_or(model::DiffExpertConfig{}).per_expert_depth;
  if (section.per_expert_depth > 0 && section.per_expert_depth != depth) {
    fail_expected({"model.per_expert_depth", fmt::format("{}, as the checkpoint's Diff Expert has", depth),
                   std::to_string(section.per_expert_depth), kHint});
  }
  if (section.vision_layers.empty()) return;
  if (counted_from_first(section.vision_layers, config.vision) == config.vision_layers) return;
  std::vector<int64_t> layers;
  for (const int64_t layer : config.vision_layers)
    layers.push_back(layer - config.vision.num_hidden_layers - 1);
  fail_expected({"model.vision_layers",
                 fmt::format("[{}], which the checkpoint's Diff Expert reads", fmt::join(layers, ", ")),
                 fmt::format("[{}]", fmt::join(section.vision_layers, ", ")), kHint});
}

/// Refuses initialisation deviations that have no effect because nothing is drawn.
void expect_usual_deviations(const model::ModelConfig& start, const ModelSection& section) {
  if (section.fresh || !start.diff_expert) return;
  const auto expect = [](const char* key, double value, double usual) {
    if (value == usual) return;
    fail_expected({key, fmt::format("{}, as the start has all weights", usual), fmt::format("{}", value)});
  };
  expect("model.init_std", section.init_std, ModelSection{}.init_std);
  expect("model.flag_init_std", section.flag_init_std, ModelSection{}.flag_init_std);
}

/// Refuses to leave out an image newline that the start does not have.
void expect_newline(const model::ModelConfig& start, const ModelSection& section) {
  if (section.image_newline || start.image_newline) return;
  fail_expected({"model.image_newline", "true, as the start has no image newline", "false"});
}

/// Sets the tower's image size to `side` px.
void resize(model::ModelConfig& config, int64_t side) {
  if (side < config.vision.patch_size) {
    fail_expected({"model.image_size", fmt::format("at least a patch of {} px", config.vision.patch_size),
                   std::to_string(side)});
  }
  config.vision.image_size = side;
  with_place("model.image_size", [&] { config.validate(); });
}

}  // namespace

model::ModelConfig start_config(model::ModelConfig stored, const TrainConfig& run) {
  expect_usual_deviations(stored, run.model);
  expect_newline(stored, run.model);
  return resumed_config(std::move(stored), run);
}

model::ModelConfig resumed_config(model::ModelConfig config, const TrainConfig& run) {
  if (run.model.image_size > 0) resize(config, run.model.image_size);
  if (run.model.diff_expert && config.diff_expert) expect_same_expert(config, run.model);
  if (run.model.diff_expert && !config.diff_expert) add_diff_expert(config, run.model);
  if (!run.model.diff_expert && config.diff_expert) {
    fail_expected({"model.diff_expert", "true, as the checkpoint has a Diff Expert", "false"});
  }
  if (!run.model.image_newline) config.image_newline = false;
  config.validate();
  return config;
}

}  // namespace ccexpert::train

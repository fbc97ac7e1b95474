// The tiny MiniGPT-4 of tests/golden (scripts/make_minigpt4_goldens.py), in the files of its parts.
#pragma once

#include <memory>
#include <string>

#include <ccexpert/model/ccexpert_model.h>
#include <ccexpert/model/weights.h>

#include "io/shared/open_weights.h"
#include "model/minigpt4_weights.h"
#include "support/golden.h"

namespace ccexpert::test {

inline const auto kMiniGpt4 = data_folder() / "minigpt4";
/// Blocks of the tower that are used; the file has one more.
constexpr int64_t kMiniGpt4Blocks = 2;

/// Returns the sizes of the golden weights, with this number of heads in tower and Q-Former.
inline model::ModelConfig minigpt4_config(int64_t heads = 1) {
  model::ModelConfig config;
  config.architecture = "minigpt4";
  config.vision = {.hidden_size = 88,
                   .intermediate_size = 40,
                   .num_hidden_layers = kMiniGpt4Blocks + 1,
                   .num_attention_heads = heads,
                   .image_size = 18,
                   .patch_size = 4,
                   .hidden_act = model::Activation::kGelu,
                   .tower = model::TowerKind::kEva};
  config.vision_layers = {kMiniGpt4Blocks};
  config.diff_expert.reset();
  config.qformer = {.num_query_tokens = 4,
                    .hidden_size = 64,
                    .intermediate_size = 32,
                    .num_hidden_layers = 2,
                    .num_attention_heads = heads};
  config.decoder = {.vocab_size = 420,
                    .hidden_size = 32,
                    .intermediate_size = 48,
                    .num_hidden_layers = 2,
                    .num_attention_heads = 2,
                    .num_key_value_heads = 2,
                    .rope_theta = 10000.0,
                    .attention_bias = false};
  return config;
}

/// Returns the weights of all parts under the model's names.
inline model::RenamedTensors minigpt4_weights() {
  model::RenamedTensors tensors;
  model::add_eva(*io::open_weights(kMiniGpt4 / "eva_vit_g.pth"), kMiniGpt4Blocks, tensors);
  for (const char* file : {"blip2.pth", "minigpt4.pth"})
    model::add_connector(*io::open_weights(kMiniGpt4 / file, "model"), tensors);
  model::add_decoder(*io::open_weights(kMiniGpt4 / "vicuna"), tensors);
  return tensors;
}

/// Returns the golden model with these sizes.
inline std::shared_ptr<model::CcexpertModel> minigpt4_model(const model::ModelConfig& config) {
  auto model = std::make_shared<model::CcexpertModel>(config);
  model::load_weights(*model, minigpt4_weights());
  return model;
}

}  // namespace ccexpert::test

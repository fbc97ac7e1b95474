// The small checkpoint as a LLaVA-OneVision base.
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include <ccexpert/model/weight_layouts.h>

#include "train/tiny_run.h"

namespace ccexpert::test {

/// The small checkpoint reduced to a base: no Diff Expert, no block after the used features, a newline.
inline std::vector<io::NamedTensor> base_tensors() {
  const auto tiny = io::open_checkpoint(test::tiny_folder());
  std::vector<io::NamedTensor> tensors;
  for (const auto& info : tiny.weights->tensors()) {
    const bool unused =
        model::is_known_unused(info.name) && info.name.find("post_layernorm") == std::string::npos;
    if (unused || info.name.starts_with("model.vision_resampler.") ||
        info.name.find("vision_model.encoder.layers.5.") != std::string::npos) {
      continue;
    }
    tensors.push_back({info.name, tiny.weights->tensor(info.name)});
  }
  auto generator = at::detail::createCPUGenerator(7);
  tensors.push_back(
      {"model.image_newline", at::empty({64}).normal_(0.0, 0.125, generator).to(at::kBFloat16)});
  return tensors;
}

inline nlohmann::json decoder_keys() {
  return {{"hidden_size", 64},          {"intermediate_size", 128},     {"num_hidden_layers", 2},
          {"vocab_size", 512},          {"num_attention_heads", 4},     {"num_key_value_heads", 2},
          {"rope_theta", 1e6},          {"tie_word_embeddings", false}, {"rms_norm_eps", 1e-6},
          {"use_sliding_window", false}};
}

inline nlohmann::json vision_keys(int64_t blocks) {
  return {{"hidden_size", 128},
          {"intermediate_size", 256},
          {"num_hidden_layers", blocks},
          {"num_attention_heads", 2},
          {"image_size", 84},
          {"patch_size", 14},
          {"model_type", "siglip_vision_model"}};
}

inline nlohmann::json lmms_config() {
  nlohmann::json config = decoder_keys();
  config.update({{"architectures", {"LlavaQwenForCausalLM"}},
                 {"model_type", "llava_qwen"},
                 {"image_aspect_ratio", "anyres_max_9"},
                 {"mm_patch_merge_type", "spatial_unpad"},
                 {"mm_projector_type", "mlp2x_gelu"},
                 {"mm_vision_select_layer", -2},
                 {"vision_config", vision_keys(6)}});
  return config;
}

/// Writes a base in lmms-lab's layout.
inline void write_base(const std::filesystem::path& folder) {
  io::write_checkpoint({.folder = folder,
                        .config_json = lmms_config().dump(),
                        .tensors = base_tensors(),
                        .companions = io::read_companions(tiny_folder())});
}

}  // namespace ccexpert::test

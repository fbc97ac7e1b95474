// Parts of a base in two folders, and the models of its parts.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ccexpert/model/parts.h>
#include <ccexpert/model/weights.h>

#include "model/shared/composed_base.h"
#include "model/siglip.h"
#include "model/tiny_checkpoint.h"

namespace ccexpert::test {

struct ComposedParts {
  io::Checkpoint vision, decoder;

  ComposedParts(const std::filesystem::path& tower, const std::filesystem::path& language_model)
      : vision(io::open_part(tower)), decoder(io::open_part(language_model)) {}

  /// Gives the parts away.
  model::ComposedBase compose(const model::ComposeOptions& options = {}) {
    return model::compose_base({std::move(vision), std::move(decoder)}, options);
  }
};

/// Returns the decoder alone of a base.
inline std::shared_ptr<model::Decoder> decoder_of(const model::ComposedBase& base) {
  const auto config = model::parse_model_config(base.config_json, "config.json");
  auto decoder = std::make_shared<model::Decoder>(config.decoder, at::TensorOptions());
  const MemorySource weights(*base.weights, [](const std::string& name) {
    const auto part = model::part_of(name);
    return part == model::Part::kDecoder || part == model::Part::kHead;
  });
  model::load_weights(*decoder, weights);
  return decoder;
}

/// Returns the hidden states 0 to `last` of the base's tower alone.
inline std::vector<at::Tensor> tower_states(const model::ComposedBase& base, const at::Tensor& pixels,
                                            int64_t last) {
  constexpr std::string_view kPrefix = "model.vision_tower.vision_tower.vision_model.";
  const at::NoGradGuard no_grad;
  std::vector<int64_t> layers;
  for (int64_t layer = 0; layer <= last; ++layer) layers.push_back(layer);
  const auto config = model::parse_model_config(base.config_json, "config.json");
  model::SiglipVision tower(config.vision, layers, {});
  MemorySource weights(*base.weights, [](const std::string&) { return false; });
  for (const auto& info : base.weights->tensors()) {
    if (info.name.starts_with(kPrefix))
      weights.set(info.name.substr(kPrefix.size()), base.weights->tensor(info.name));
  }
  model::load_weights(tower, weights, {.may_be_unused = [](std::string_view name) {
                        return name.starts_with("post_layernorm.") || name.starts_with("head.");
                      }});
  return tower.forward(pixels);
}

}  // namespace ccexpert::test

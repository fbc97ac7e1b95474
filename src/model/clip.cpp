#include "model/clip.h"

#include <ATen/ATen.h>

namespace ccexpert::model {

ClipVision::ClipVision(const VisionConfig& config, std::vector<int64_t> layers,
                       const at::TensorOptions& options)
    : config_(config), layers_(std::move(layers)) {
  auto embeddings = register_module("embeddings", std::make_shared<ModuleGroup>());
  class_embedding_ = embeddings->add("class_embedding", at::empty({config.hidden_size}, options));
  const std::vector<int64_t> kernel{config.hidden_size, 3, config.patch_size, config.patch_size};
  patch_embedding_ =
      embeddings->add("patch_embedding", std::make_shared<Linear>(kernel, options, /*bias=*/false));
  position_embedding_ = embeddings->add(
      "position_embedding", std::make_shared<Embedding>(config.patches() + 1, config.hidden_size, options));
  // The published weights have this spelling.
  pre_layernorm_ = register_module(
      "pre_layrnorm", std::make_shared<LayerNorm>(config.hidden_size, config.layer_norm_eps, options));
  auto blocks = register_module("encoder", std::make_shared<ModuleGroup>())
                    ->add("layers", std::make_shared<ModuleGroup>());
  for (int64_t i = 0; i < layers_.back(); ++i)
    blocks_.push_back(blocks->add(std::to_string(i), std::make_shared<SiglipBlock>(config, options)));
}

at::Tensor ClipVision::embed(const at::Tensor& pixels) const {
  const auto patches = patch_embedding_->forward(patches_of(pixels, config_));  // [2B,N,D]
  const auto first = class_embedding_.expand({patches.size(0), 1, -1});
  return pre_layernorm_->forward(at::cat({first, patches}, 1) + position_embedding_->weight);
}

std::vector<at::Tensor> ClipVision::hidden_states(const at::Tensor& pixels) const {
  return BlockStack{blocks_, *runner_}.states(embed(pixels), layers_);
}

std::vector<at::Tensor> ClipVision::forward(const at::Tensor& pixels) const {
  auto features = hidden_states(pixels);
  for (auto& each : features) each = each.slice(1, 1);  // [2B,N,D]
  return features;
}

PartCost ClipVision::cost(const VisionConfig& config, const std::vector<int64_t>& layers, int64_t images) {
  return vision_cost(config, layers, {images, config.patches() + 1});
}

}  // namespace ccexpert::model

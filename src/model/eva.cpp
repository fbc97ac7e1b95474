#include "model/eva.h"

#include <ATen/ATen.h>

namespace ccexpert::model {

EvaVision::EvaVision(const VisionConfig& config, std::vector<int64_t> layers,
                     const at::TensorOptions& options)
    : config_(config), layers_(std::move(layers)) {
  const int64_t width = config.hidden_size;
  auto embeddings = register_module("embeddings", std::make_shared<ModuleGroup>());
  class_embedding_ = embeddings->add("class_embedding", at::empty({1, width}, options));
  const std::vector<int64_t> kernel{width, 3, config.patch_size, config.patch_size};
  patch_embedding_ = embeddings->add("patch_embedding", std::make_shared<Linear>(kernel, options));
  position_embedding_ = embeddings->add("position_embedding",
                                        std::make_shared<Embedding>(1 + config.patches(), width, options));
  auto blocks = register_module("encoder", std::make_shared<ModuleGroup>())
                    ->add("layers", std::make_shared<ModuleGroup>());
  for (int64_t i = 0; i < layers_.back(); ++i)
    blocks_.push_back(blocks->add(std::to_string(i), std::make_shared<SiglipBlock>(config, options)));
}

std::vector<at::Tensor> EvaVision::forward(const at::Tensor& pixels) const {
  const auto patches = patch_embedding_->forward(patches_of(pixels, config_));  // [2B,N,D]
  const auto first = class_embedding_.expand({pixels.size(0), 1, -1});
  const auto x = at::cat({first, patches}, 1) + position_embedding_->weight;  // [2B,1+N,D]
  return BlockStack{blocks_, *runner_}.states(x, layers_);
}

PartCost EvaVision::cost(const VisionConfig& config, const std::vector<int64_t>& layers, int64_t images) {
  return vision_cost(config, layers, {images, 1 + config.patches()});
}

}  // namespace ccexpert::model

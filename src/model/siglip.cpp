#include "model/siglip.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "kernels/attention.h"
#include "model/layer_cost.h"

namespace ccexpert::model {

SiglipAttention::SiglipAttention(const VisionConfig& config, const at::TensorOptions& options)
    : heads_(config.num_attention_heads) {
  const auto projection = [&](const char* name, bool bias = true) {
    return register_module(name,
                           std::make_shared<Linear>(config.hidden_size, config.hidden_size, bias, options));
  };
  q_proj_ = projection("q_proj");
  k_proj_ = projection("k_proj", config.tower != TowerKind::kEva);
  v_proj_ = projection("v_proj");
  out_proj_ = projection("out_proj");
}

at::Tensor SiglipAttention::forward(const at::Tensor& x, const Norm& norm) const {
  // The order of the projections is that in which a backward pass adds their gradients.
  const auto values_first =
      apply_steps({.x = x, .norm = &norm}, {v_proj_.get(), k_proj_.get(), q_proj_.get()});
  const auto attended = kernels::attention(kernels::split_heads(values_first[2], heads_),
                                           kernels::split_heads(values_first[1], heads_),
                                           kernels::split_heads(values_first[0], heads_));  // [B,M,N,d]
  return apply_steps({.x = kernels::merge_heads(attended), .residual = x}, *out_proj_);
}

SiglipBlock::SiglipBlock(const VisionConfig& config, const at::TensorOptions& options)
    : activation_(config.hidden_act) {
  const auto norm = [&](const char* name) {
    return register_module(name,
                           std::make_shared<LayerNorm>(config.hidden_size, config.layer_norm_eps, options));
  };
  layer_norm1_ = norm("layer_norm1");
  self_attn_ = register_module("self_attn", std::make_shared<SiglipAttention>(config, options));
  layer_norm2_ = norm("layer_norm2");
  auto mlp = register_module("mlp", std::make_shared<ModuleGroup>());
  fc1_ =
      mlp->add("fc1", std::make_shared<Linear>(config.hidden_size, config.intermediate_size, true, options));
  fc2_ =
      mlp->add("fc2", std::make_shared<Linear>(config.intermediate_size, config.hidden_size, true, options));
}

at::Tensor SiglipBlock::forward(const at::Tensor& x) const {
  const auto attended = self_attn_->forward(x, *layer_norm1_);
  const auto inner =
      apply_steps({.x = attended, .norm = layer_norm2_.get(), .activation = activation_}, *fc1_);
  return apply_steps({.x = inner, .residual = attended}, *fc2_);
}

SiglipVision::SiglipVision(const VisionConfig& config, std::vector<int64_t> layers,
                           const at::TensorOptions& options)
    : config_(config), layers_(std::move(layers)) {
  auto embeddings = register_module("embeddings", std::make_shared<ModuleGroup>());
  const std::vector<int64_t> kernel{config.hidden_size, 3, config.patch_size, config.patch_size};
  patch_embedding_ = embeddings->add("patch_embedding", std::make_shared<Linear>(kernel, options));
  position_embedding_ = embeddings->add(
      "position_embedding", std::make_shared<Embedding>(config.patches(), config.hidden_size, options));
  auto blocks = register_module("encoder", std::make_shared<ModuleGroup>())
                    ->add("layers", std::make_shared<ModuleGroup>());
  for (int64_t i = 0; i < layers_.back(); ++i) {
    blocks_.push_back(blocks->add(std::to_string(i), std::make_shared<SiglipBlock>(config, options)));
  }
}

at::Tensor SiglipVision::embed(const at::Tensor& pixels) const {
  return patch_embedding_->forward(patches_of(pixels, config_)) + position_embedding_->weight;  // [2B,N,D]
}

std::vector<at::Tensor> SiglipVision::forward(const at::Tensor& pixels) const {
  return BlockStack{blocks_, *runner_}.states(embed(pixels), layers_);
}

PartCost SiglipVision::cost(const VisionConfig& config, const std::vector<int64_t>& layers, int64_t images) {
  return vision_cost(config, layers, {images, config.patches()});
}

/// Computed as a matrix product, equal to a convolution without overlap: on a CPU it takes 11 ms instead of
/// 15 at full size, and needs no choice of a kernel.
at::Tensor patches_of(const at::Tensor& pixels, const VisionConfig& config) {
  const int64_t side = config.patch_size, rows = pixels.size(2) / side, columns = pixels.size(3) / side;
  if (rows != config.grid() || columns != config.grid()) {
    fail_expected({"pixels", fmt::format("a grid of {0} x {0} patches", config.grid()),
                   fmt::format("{} x {}", rows, columns)});
  }
  return pixels.slice(2, 0, rows * side)
      .slice(3, 0, columns * side)
      .unflatten(3, {columns, side})
      .unflatten(2, {rows, side})   // [2B,3,G,p,G,p]
      .permute({0, 2, 4, 1, 3, 5})  // [2B,G,G,3,p,p]
      .reshape({pixels.size(0), rows * columns, -1});
}

std::vector<at::Tensor> BlockStack::states(at::Tensor x, const std::vector<int64_t>& layers) const {
  std::vector<at::Tensor> features;
  for (int64_t state = 0; features.size() < layers.size(); ++state) {
    if (state > 0) {
      const auto& block = *blocks[static_cast<size_t>(state - 1)];
      const auto compute = [&block](const TensorList& inputs) {
        return TensorList{block.forward(inputs[0])};
      };
      x = runner.run({.compute = compute, .parameters = block}, {x})[0];
    }
    if (layers[features.size()] == state) features.push_back(x);
  }
  return features;
}

PartCost vision_cost(const VisionConfig& config, const std::vector<int64_t>& layers,
                     const TowerInput& input) {
  const double width = number(config.hidden_size), inner = number(config.intermediate_size);
  const double tokens = number(input.images * input.tokens);
  const double depth = number(layers.back()), scales = number(static_cast<int64_t>(layers.size()));
  const double embedding =
      number(input.images * config.patches()) * 3.0 * number(config.patch_size * config.patch_size) * width;
  const LayerSize layer{.tokens = tokens,
                        .keys = number(input.tokens),
                        .weights = 4.0 * width * width + 2.0 * width * inner,
                        .attention_width = width};
  return {.part = Part::kVision,
          .multiply_adds = embedding + depth * layer_multiply_adds(layer),
          .kept = {.blocks = depth,
                   .block = layer_values(tokens, width, inner),
                   .block_inputs = tokens * width,
                   .outputs = scales * tokens * width}};
}

}  // namespace ccexpert::model

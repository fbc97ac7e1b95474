#include "model/qformer.h"

#include <ATen/ATen.h>

#include "kernels/attention.h"
#include "model/layer_cost.h"

namespace ccexpert::model {
namespace {

/// BERT puts each Linear into a group under the name `dense`.
std::shared_ptr<Linear> add_dense(ModuleGroup& group, int64_t in, int64_t out,
                                  const at::TensorOptions& options) {
  return group.add("dense", std::make_shared<Linear>(in, out, true, options));
}

std::shared_ptr<LayerNorm> make_norm(const QFormerConfig& config, const at::TensorOptions& options) {
  return std::make_shared<LayerNorm>(config.hidden_size, config.layer_norm_eps, options);
}

}  // namespace

QFormerAttention::QFormerAttention(const QFormerConfig& config, int64_t context_width,
                                   const at::TensorOptions& options)
    : heads_(config.num_attention_heads) {
  const int64_t width = config.hidden_size;
  auto inner = register_module("self", std::make_shared<ModuleGroup>());
  query_ = inner->add("query", std::make_shared<Linear>(width, width, true, options));
  key_ = inner->add("key", std::make_shared<Linear>(context_width, width, true, options));
  value_ = inner->add("value", std::make_shared<Linear>(context_width, width, true, options));
  auto output = register_module("output", std::make_shared<ModuleGroup>());
  dense_ = add_dense(*output, width, width, options);
  norm_ = output->add("LayerNorm", make_norm(config, options));
}

at::Tensor QFormerAttention::forward(const at::Tensor& x, const at::Tensor& context) const {
  const auto attended = kernels::attention(kernels::split_heads(query_->forward(x), heads_),
                                           kernels::split_heads(key_->forward(context), heads_),
                                           kernels::split_heads(value_->forward(context), heads_));
  return norm_->forward(x + dense_->forward(kernels::merge_heads(attended)));
}

QFormerLayer::QFormerLayer(const QFormerConfig& config, int64_t image_width, bool reads_image,
                           const at::TensorOptions& options)
    : activation_(config.hidden_act) {
  attention_ =
      register_module("attention", std::make_shared<QFormerAttention>(config, config.hidden_size, options));
  if (reads_image) {
    crossattention_ =
        register_module("crossattention", std::make_shared<QFormerAttention>(config, image_width, options));
  }
  auto up = register_module("intermediate_query", std::make_shared<ModuleGroup>());
  up_ = add_dense(*up, config.hidden_size, config.intermediate_size, options);
  auto down = register_module("output_query", std::make_shared<ModuleGroup>());
  down_ = add_dense(*down, config.intermediate_size, config.hidden_size, options);
  norm_ = down->add("LayerNorm", make_norm(config, options));
}

at::Tensor QFormerLayer::forward(const at::Tensor& x, const at::Tensor& features) const {
  auto attended = attention_->forward(x, x);
  if (crossattention_) attended = crossattention_->forward(attended, features);
  return norm_->forward(attended + down_->forward(activate(activation_, up_->forward(attended))));
}

QFormerConnector::QFormerConnector(const QFormerConfig& config, const Widths& widths,
                                   const at::TensorOptions& options) {
  ln_vision_ =
      register_module("ln_vision", std::make_shared<LayerNorm>(widths.image, config.image_norm_eps, options));
  query_tokens_ = register_parameter("query_tokens",
                                     at::empty({1, config.num_query_tokens, config.hidden_size}, options));
  auto bert = register_module("Qformer", std::make_shared<ModuleGroup>())
                  ->add("bert", std::make_shared<ModuleGroup>());
  norm_ =
      bert->add("embeddings", std::make_shared<ModuleGroup>())->add("LayerNorm", make_norm(config, options));
  auto layers =
      bert->add("encoder", std::make_shared<ModuleGroup>())->add("layer", std::make_shared<ModuleGroup>());
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    layers_.push_back(
        layers->add(std::to_string(i),
                    std::make_shared<QFormerLayer>(config, widths.image, config.reads_image(i), options)));
  }
  llama_proj_ = register_module("llama_proj",
                                std::make_shared<Linear>(config.hidden_size, widths.decoder, true, options));
}

at::Tensor QFormerConnector::run(const QFormerLayer& layer, const at::Tensor& x,
                                 const at::Tensor& features) const {
  const auto compute = [&layer](const TensorList& inputs) {
    return TensorList{layer.forward(inputs[0], inputs[1])};
  };
  return runner_->run({.compute = compute, .parameters = layer}, {x, features})[0];
}

at::Tensor QFormerConnector::queries(const at::Tensor& normed_features) const {
  auto x = norm_->forward(query_tokens_).expand({normed_features.size(0), -1, -1});  // [2B,Q,W]
  for (const auto& layer : layers_) x = run(*layer, x, normed_features);
  return x;
}

at::Tensor QFormerConnector::forward(const at::Tensor& features) const {
  return llama_proj_->forward(queries(normed(features)));
}

PartCost QFormerConnector::cost(const QFormerConfig& config, const Widths& widths, int64_t images,
                                int64_t features) {
  const double width = number(config.hidden_size), inner = number(config.intermediate_size);
  const double queries = number(images * config.num_query_tokens), all = number(images * features);
  const LayerSize layer{.tokens = queries,
                        .keys = number(config.num_query_tokens),
                        .weights = 4.0 * width * width + 2.0 * width * inner,
                        .attention_width = width};
  const double reading = queries * (2.0 * width * width + 2.0 * number(features) * width) +
                         all * 2.0 * number(widths.image) * width;
  double layers = 0.0;
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    layers += layer_multiply_adds(layer) + (config.reads_image(i) ? reading : 0.0);
  }
  const double depth = number(config.num_hidden_layers);
  return {.part = Part::kProjector,
          .multiply_adds = layers + queries * width * number(widths.decoder),
          .kept = {.blocks = depth,
                   .block = layer_values(queries, width, inner) + 2.0 * all * width,
                   .block_inputs = queries * width,
                   .outputs = all * number(widths.image)}};
}

}  // namespace ccexpert::model

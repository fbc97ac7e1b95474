/// BLIP-2's Q-Former as MiniGPT-4's connector: learned queries read the image features through a BERT with
/// cross-attention, and a linear layer maps them to the decoder's width. Only the path of the queries exists;
/// the original also has one for text. Parameter names are MiniGPT-4's.
#pragma once

#include <memory>
#include <vector>

#include <ccexpert/model/layers.h>
#include <ccexpert/model/part_cost.h>
#include <ccexpert/model/qformer_config.h>
#include <ccexpert/model/vision_tower.h>

namespace ccexpert::model {

/// LayerNorm(x + Output(Attention(x, context))), post-norm as in BERT.
class QFormerAttention : public torch::nn::Module {
 public:
  /// `context_width`: of the keys' and values' inputs.
  QFormerAttention(const QFormerConfig& config, int64_t context_width, const at::TensorOptions& options);
  /// Maps queries [B,Q,W] and context [B,N,C] to [B,Q,W].
  at::Tensor forward(const at::Tensor& x, const at::Tensor& context) const;

 private:
  int64_t heads_;
  std::shared_ptr<Linear> query_, key_, value_, dense_;
  std::shared_ptr<LayerNorm> norm_;
};

/// Self-attention, cross-attention in layers that read the image, and MLP.
class QFormerLayer : public torch::nn::Module {
 public:
  QFormerLayer(const QFormerConfig& config, int64_t image_width, bool reads_image,
               const at::TensorOptions& options);
  /// Maps queries [B,Q,W] and image features [B,N,D] to [B,Q,W].
  at::Tensor forward(const at::Tensor& x, const at::Tensor& features) const;

 private:
  Activation activation_;
  std::shared_ptr<QFormerAttention> attention_, crossattention_;  // the latter null in other layers
  std::shared_ptr<Linear> up_, down_;
  std::shared_ptr<LayerNorm> norm_;
};

/// Layer norm of the vision features, Q-Former and projection.
class QFormerConnector : public Connector {
 public:
  struct Widths {
    int64_t image;    ///< D, of the vision features
    int64_t decoder;  ///< H
  };
  QFormerConnector(const QFormerConfig& config, const Widths& widths, const at::TensorOptions& options);

  /// Maps features [2B,N,D], of any N, to tokens [2B,Q,H].
  at::Tensor forward(const at::Tensor& features) const override;
  void set_runner(const BlockRunnerRef& runner) override { runner_ = runner; }

  /// Returns the normed vision features [2B,N,D], which the layers read.
  at::Tensor normed(const at::Tensor& features) const { return ln_vision_->forward(features); }
  /// Returns the output of the last layer [2B,Q,W] for normed features.
  at::Tensor queries(const at::Tensor& normed_features) const;

  /// Returns the cost for a number of images with `features` features each.
  static PartCost cost(const QFormerConfig& config, const Widths& widths, int64_t images, int64_t features);

 private:
  at::Tensor run(const QFormerLayer& layer, const at::Tensor& x, const at::Tensor& features) const;

  std::shared_ptr<LayerNorm> ln_vision_, norm_;
  at::Tensor query_tokens_;  // [1,Q,W]
  std::vector<std::shared_ptr<QFormerLayer>> layers_;
  std::shared_ptr<Linear> llama_proj_;
  BlockRunnerRef runner_ = std::make_shared<PlainRunner>();
};

}  // namespace ccexpert::model

/// The whole network: vision transformer, Diff Expert, projector, decoder. It computes on tensors and knows
/// nothing of files, text, ranks or training stages.
#pragma once

#include <memory>
#include <vector>

#include <ccexpert/model/config.h>
#include <ccexpert/model/diff_expert.h>
#include <ccexpert/model/layers.h>
#include <ccexpert/model/qwen2.h>
#include <ccexpert/model/siglip.h>

namespace ccexpert {

/// Two-layer MLP with exact GELU from the vision width to the language width (`mlp2x_gelu`).
class Projector : public torch::nn::Module {
 public:
  Projector(int64_t in, int64_t out, const at::TensorOptions& options);
  /// [...,D] to [...,H].
  at::Tensor forward(const at::Tensor& x) const;

 private:
  std::shared_ptr<Linear> first_, second_;
};

/// The image side of a batch.
struct ImageTokens {
  at::Tensor tokens;         ///< [2B,N,H] (N+1 with an image_newline), before and after in turn
  at::Tensor change;         ///< Q* [B,N,D]; undefined without Diff Expert
  at::Tensor scale_weights;  ///< [S,B]; undefined without Diff Expert
};

/// Sequences of different lengths, padded on the right.
struct PaddedSequences {
  at::Tensor embeddings;         ///< [B,T,H]
  std::vector<int64_t> lengths;  ///< real tokens of each row
};

/// `named_parameters()` are the names of a checkpoint in the authors' layout, but for tensors that nothing
/// uses.
class CcexpertModel : public torch::nn::Module {
 public:
  /// Parameters have the dtype and device of `options` and no values yet; see load_weights.
  explicit CcexpertModel(const ModelConfig& config, const at::TensorOptions& options = {});

  /// Keeps only the inputs of blocks for the backward pass: less memory, a third more time in training.
  void set_recompute(bool on);

  /// Pixels [2B,3,P,P], before and after in turn, to S features [2B,N,D].
  std::vector<at::Tensor> vision_features(const at::Tensor& pixels) const;
  /// S features [2B,N,D] to the features that are projected, [2B,N,D] in `tokens`.
  ImageTokens fuse(const std::vector<at::Tensor>& features) const;
  /// Features [2B,N,D] to the tokens that the decoder reads: [2B,N,H], or [2B,N+1,H] where the model has an
  /// image_newline, which comes last.
  at::Tensor project(const at::Tensor& features) const;
  /// All of the image side: pixels to image tokens.
  ImageTokens encode_images(const at::Tensor& pixels) const;

  /// Replaces each image placeholder (a negative id) of row b by its next image's N tokens and embeds
  /// the rest. Throws Error where a row does not hold exactly two placeholders, there are too few images, or
  /// no rows.
  PaddedSequences splice(const std::vector<std::vector<int64_t>>& ids, const at::Tensor& image_tokens) const;

  const Projector& projector() const { return *projector_; }
  const Qwen2Decoder& decoder() const { return *decoder_; }
  /// Null for a base model without one.
  const std::shared_ptr<DiffExpert>& diff_expert() const { return diff_expert_; }
  const std::shared_ptr<SiglipVision>& vision() const { return vision_; }
  const ModelConfig& config() const { return config_; }
  at::TensorOptions options() const { return options_; }

 private:
  ModelConfig config_;
  at::TensorOptions options_;
  std::shared_ptr<SiglipVision> vision_;
  std::shared_ptr<DiffExpert> diff_expert_;
  std::shared_ptr<Projector> projector_;
  at::Tensor image_newline_;  // [H]; undefined without one
  std::shared_ptr<Qwen2Decoder> decoder_;
};

}  // namespace ccexpert

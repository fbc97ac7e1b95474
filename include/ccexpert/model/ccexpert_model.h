/// The whole network: vision transformer, Diff Expert, projector, decoder. It computes only on tensors and
/// does not depend on files, text, ranks or training stages.
#pragma once

#include <memory>
#include <vector>

#include <ccexpert/model/config.h>
#include <ccexpert/model/decoder.h>
#include <ccexpert/model/diff_expert.h>
#include <ccexpert/model/layers.h>
#include <ccexpert/model/vision_tower.h>

namespace ccexpert::model {

/// Parts that an architecture chooses.
struct ModelParts {
  /// Gives as many features as `vision_layers` has, one without Diff Expert.
  std::shared_ptr<VisionTower> vision;
  std::shared_ptr<Connector> connector;  ///< from the vision width to the decoder's
};

/// Returns the parts of LLaVA: the vision transformer of the config, SigLIP or CLIP, and a two-layer MLP.
ModelParts llava_parts(const ModelConfig& config, const at::TensorOptions& options);

/// Image tokens of a batch, with outputs of the Diff Expert.
struct ImageTokens {
  at::Tensor tokens;         ///< [2B,N,H] (N+1 with an image_newline), before and after alternate
  at::Tensor change;         ///< Q* [B,N,D]; undefined without Diff Expert
  at::Tensor scale_weights;  ///< [S,B]; undefined without Diff Expert
};

/// Sequences of different lengths, padded on the right.
struct PaddedSequences {
  at::Tensor embeddings;         ///< [B,T,H]
  std::vector<int64_t> lengths;  ///< real tokens of each row
};

/// The model. `named_parameters()` have the names of a checkpoint in the authors' layout, without unused
/// tensors.
class CcexpertModel : public torch::nn::Module {
 public:
  /// Parameters have the dtype and device of `options` but no values yet; see load_weights.
  explicit CcexpertModel(const ModelConfig& config, const at::TensorOptions& options = {});
  /// Same with other parts than LLaVA-OneVision's.
  CcexpertModel(const ModelConfig& config, const at::TensorOptions& options, ModelParts parts);

  /// Sets the runner of the blocks of all parts: vision transformer, Diff Expert and decoder.
  void set_runner(const BlockRunnerRef& runner);
  /// Sets a RecomputingRunner or a PlainRunner. The former enables gradient checkpointing: only the inputs of
  /// blocks are kept for the backward pass, which saves memory and costs a third more training time.
  void set_recompute(bool on);
  /// Sets the observer of the decoder.
  void set_decoder_observer(std::shared_ptr<DecoderObserver> observer) {
    decoder_->set_observer(std::move(observer));
  }

  /// Computes S features [2B,N,D] from pixels [2B,3,P,P], before and after alternating.
  std::vector<at::Tensor> vision_features(const at::Tensor& pixels) const;
  /// Returns the features of the patches [2B,N,D], without a class token.
  at::Tensor patch_features(const at::Tensor& features) const;
  /// Computes the features for the projector, [2B,N,D] in `tokens`, from S features [2B,N,D]. A class token
  /// stays that of the last of them.
  ImageTokens fuse(const std::vector<at::Tensor>& features) const;
  /// Projects features [2B,N,D] to decoder tokens: [2B,N,H], or [2B,N+1,H] if the model has an image_newline,
  /// which comes last.
  at::Tensor project(const at::Tensor& features) const;
  /// Computes image tokens from pixels: vision_features, fuse and project.
  ImageTokens encode_images(const at::Tensor& pixels) const;

  /// Replaces each image placeholder (a negative id) of a row by the N tokens of the next image in
  /// `image_tokens` [I,N,H] and embeds the rest. Throws Error if a row does not have `images_per_row`
  /// placeholders, or if images or rows are missing.
  PaddedSequences splice(const std::vector<std::vector<int64_t>>& ids, const at::Tensor& image_tokens,
                         int64_t images_per_row = 2) const;

  const Connector& connector() const { return *connector_; }  ///< Diff Expert, projector or another one
  const Decoder& decoder() const { return *decoder_; }        ///< language model
  /// Null for a base model without Diff Expert.
  const std::shared_ptr<DiffExpert>& diff_expert() const { return diff_expert_; }
  const VisionTower& vision() const { return *vision_; }  ///< vision transformer
  const ModelConfig& config() const { return config_; }   ///< sizes and kinds of all parts
  at::TensorOptions options() const { return options_; }  ///< dtype and device of the weights
  /// Says that the parameters were moved from outside: new dtype and device of inputs.
  void set_options(const at::TensorOptions& options) { options_ = options; }

 private:
  ModelConfig config_;
  at::TensorOptions options_;
  std::shared_ptr<VisionTower> vision_;
  std::shared_ptr<DiffExpert> diff_expert_;
  std::shared_ptr<Connector> connector_;
  at::Tensor image_newline_;  // [H]; undefined without one
  std::shared_ptr<Decoder> decoder_;
};

}  // namespace ccexpert::model

// Training objective: the caption loss, plus optional losses on exact masks and class maps.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <torch/nn/module.h>

#include <ccexpert/model/ccexpert_model.h>
#include <ccexpert/train/sections.h>

#include "data/shared/sampler.h"

namespace ccexpert::train {

/// Linear heads used only in training. They are saved beside the model, not in it.
class AuxiliaryHeads : public torch::nn::Module {
 public:
  /// Takes the widths D and H and the number of classes C. Values are drawn from `seed`.
  AuxiliaryHeads(int64_t vision_width, int64_t language_width, int64_t classes,
                 const at::TensorOptions& options, uint64_t seed);

  /// Maps Q* [B,N,D] to logits [B,N] of "this patch changed".
  at::Tensor mask(const at::Tensor& change) const;
  /// Maps vision features [2B,N,D] to logits [2B,N,C] of "this patch shows the class".
  at::Tensor classes(const at::Tensor& features) const;
  /// Maps image tokens [2B,N,H] to logits [2B,N,1+C]: "this patch changed", then the classes.
  at::Tensor tokens(const at::Tensor& image_tokens) const;

 private:
  std::shared_ptr<model::Linear> mask_, classes_, tokens_;
};

/// Micro-batch of B pairs, as the model's input.
struct TensorBatch {
  at::Tensor pixels;                         ///< [2B,3,P,P], before and after interleaved
  std::vector<std::vector<int64_t>> ids;     ///< B prompts with captions, image placeholders in place
  std::vector<std::vector<int64_t>> labels;  ///< for each token its id, or -100
  at::Tensor change_mask = {};               ///< [B,N] changed share of each patch, -1 if unknown
  at::Tensor class_shares = {};              ///< [2B,N,C] share of each class in each patch, -1 if unknown
  at::Tensor weights = {};  ///< [B] of the captions, float32 on the CPU; undefined: all are 1
  std::vector<data::SampleIndex> samples = {};  ///< B
  std::vector<uint64_t> seeds = {};             ///< B, of what is drawn for each sample
};

/// Captions to learn from: `each` rows for every pair, those of a pair one after another.
struct CaptionRows {
  std::vector<std::vector<int64_t>> ids;     ///< prompts with captions, image placeholders in place
  std::vector<std::vector<int64_t>> labels;  ///< for each token its id, or -100
  at::Tensor weights = {};                   ///< [rows], float32 on the CPU; undefined: all are 1
  int64_t each = 1;
  at::Tensor reward = {};  ///< scalar, mean reward of the rows; undefined without rewards
};

/// Returns rows for a micro-batch, whose image tokens are [2B,N,H].
using CaptionSource = std::function<CaptionRows(const TensorBatch& batch, const at::Tensor& image_tokens)>;

/// Loss and token counts of one micro-batch. The parts are unweighted scalars on the model's device,
/// undefined if the objective lacks them. Reading one waits for the device.
struct BatchLoss {
  at::Tensor loss;  ///< weighted sum, differentiable
  at::Tensor caption_loss = {};
  at::Tensor mask_loss = {};
  at::Tensor class_loss = {};
  at::Tensor image_token_loss = {};
  at::Tensor reward = {};
  int64_t supervised_tokens = 0;
  int64_t tokens = 0;
};

/// Weights of the losses, by default the paper's objective. `heads` may be null if the weights need none.
struct Objective {
  LossSection weights = {};
  std::shared_ptr<AuxiliaryHeads> heads = nullptr;
  CaptionSource captions = nullptr;  ///< nothing: the captions of the batch
};

BatchLoss batch_loss(const model::CcexpertModel& model, const TensorBatch& batch,
                     const Objective& objective = {});

}  // namespace ccexpert::train

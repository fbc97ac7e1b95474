/// What a step minimises: the captions' loss and, beside it, what exact masks and class maps teach.
#pragma once

#include <memory>
#include <vector>

#include <torch/nn/module.h>

#include <ccexpert/model/ccexpert_model.h>
#include <ccexpert/train/sections.h>

namespace ccexpert::train {

/// Linear heads that only training has: they are saved beside the model, not in it.
class AuxiliaryHeads : public torch::nn::Module {
 public:
  /// D, H, C; values are drawn from `seed`.
  AuxiliaryHeads(int64_t vision_width, int64_t language_width, int64_t classes,
                 const at::TensorOptions& options, uint64_t seed);

  /// Q* [B,N,D] to logits [B,N] of "this patch changed".
  at::Tensor mask(const at::Tensor& change) const;
  /// Vision features [2B,N,D] to logits [2B,N,C] of "this patch shows the class".
  at::Tensor classes(const at::Tensor& features) const;
  /// Image tokens [2B,N,H] to logits [2B,N,1+C]: "this patch changed", then the classes.
  at::Tensor tokens(const at::Tensor& image_tokens) const;

 private:
  std::shared_ptr<Linear> mask_, classes_, tokens_;
};

/// A micro-batch of B pairs as the model takes it.
struct TensorBatch {
  at::Tensor pixels;                         ///< [2B,3,P,P], before and after in turn
  std::vector<std::vector<int64_t>> ids;     ///< B prompts with captions, image placeholders in place
  std::vector<std::vector<int64_t>> labels;  ///< for each id itself or -100
  at::Tensor change_mask = {};               ///< [B,N] share of each patch that changed, -1 where not known
  at::Tensor class_shares = {};  ///< [2B,N,C] share of each patch that is of a class, -1 where not known
};

/// Loss of one micro-batch, and how many tokens it read and was taught. Its parts are scalars on the model's
/// device, not weighted, undefined where the objective has none: reading one waits for the device.
struct BatchLoss {
  at::Tensor loss;  ///< weighted sum, differentiable
  at::Tensor caption = {};
  at::Tensor mask = {};
  at::Tensor classes = {};
  at::Tensor image_tokens = {};
  int64_t supervised_tokens = 0;
  int64_t tokens = 0;
};

/// The paper's objective is the default; `heads` may be null where the weights need none.
struct Objective {
  LossSection weights = {};
  std::shared_ptr<AuxiliaryHeads> heads = nullptr;
};

BatchLoss batch_loss(const CcexpertModel& model, const TensorBatch& batch, const Objective& objective = {});

}  // namespace ccexpert::train

#include "train/objective.h"

#include <utility>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include <ccexpert/core/error.h>

#include "train/loss.h"

namespace ccexpert::train {
namespace {

/// Smallest share of changed pixels for a patch to count as changed.
constexpr double kChangedShare = 0.05;
constexpr double kHeadDeviation = 0.02;

/// Returns the mean binary cross-entropy over known targets, or 0 if none is known.
at::Tensor known_cross_entropy(const at::Tensor& logits, const at::Tensor& targets, const at::Tensor& known) {
  const auto each =
      at::binary_cross_entropy_with_logits(logits.to(at::kFloat), targets, {}, {}, at::Reduction::None);
  const auto weight = known.to(at::kFloat);
  return (each * weight).sum() / weight.sum().clamp_min(1.0);
}

at::Tensor mask_loss(const Objective& objective, const at::Tensor& change, const at::Tensor& shares) {
  if (!change.defined()) fail_expected({"loss.mask", "a model with a Diff Expert", "one without"});
  const auto targets = shares.ge(kChangedShare).to(at::kFloat);
  return known_cross_entropy(objective.heads->mask(change), targets, shares.ge(0.0));
}

/// The change target is the same for both dates; without a Diff Expert it is skipped, as the tokens cannot
/// show change.
at::Tensor image_token_loss(const Objective& objective, const at::Tensor& image_tokens,
                            const TensorBatch& batch, bool sees_change) {
  const auto logits = objective.heads->tokens(image_tokens);
  auto loss =
      known_cross_entropy(logits.slice(-1, 1), batch.class_shares.clamp_min(0.0), batch.class_shares.ge(0.0));
  if (!sees_change) return loss;
  const auto shares = batch.change_mask.repeat_interleave(2, 0);  // [2B,N]
  return loss +
         known_cross_entropy(logits.select(-1, 0), shares.ge(kChangedShare).to(at::kFloat), shares.ge(0.0));
}

at::Tensor class_loss(const Objective& objective, const at::Tensor& features, const at::Tensor& shares) {
  return known_cross_entropy(objective.heads->classes(features), shares.clamp_min(0.0), shares.ge(0.0));
}

void add(BatchLoss& result, const at::Tensor& loss, double weight, at::Tensor BatchLoss::*part) {
  result.*part = loss.detach();
  const auto weighted = weight == 1.0 ? loss : loss * weight;
  result.loss = result.loss.defined() ? result.loss + weighted : weighted;
}

CaptionRows caption_rows(const Objective& objective, const TensorBatch& batch, const at::Tensor& tokens) {
  if (objective.captions) return objective.captions(batch, tokens);
  return {.ids = batch.ids, .labels = batch.labels, .weights = batch.weights};
}

/// Returns the image tokens [2B,N,H] of each pair `times` times, pair by pair.
at::Tensor repeated_pairs(const at::Tensor& tokens, int64_t times) {
  return times == 1 ? tokens : tokens.unflatten(0, {-1, 2}).repeat_interleave(times, 0).flatten(0, 1);
}

void add_caption_loss(BatchLoss& result, const model::CcexpertModel& model, const CaptionRows& rows,
                      const at::Tensor& tokens, double weight) {
  const auto images = repeated_pairs(tokens, rows.each);
  auto labels = splice_labels(rows.ids, rows.labels, tokens.size(1));
  result.tokens = labels.numel();
  const auto sequences = lengthened({model.splice(rows.ids, images).embeddings, std::move(labels)},
                                    length_step(tokens.device()));
  const auto hidden = model.decoder().forward(sequences.embeddings);
  const auto loss = rows.weights.defined()
                        ? weighted_caption_loss(model.decoder(), hidden, sequences.labels, rows.weights)
                        : caption_loss(model.decoder(), hidden, sequences.labels);
  result.reward = rows.reward;
  result.supervised_tokens = loss.tokens;
  add(result, loss.mean, weight, &BatchLoss::caption_loss);
}

}  // namespace

AuxiliaryHeads::AuxiliaryHeads(int64_t vision_width, int64_t language_width, int64_t classes,
                               const at::TensorOptions& options, uint64_t seed)
    : mask_(register_module("mask", std::make_shared<model::Linear>(vision_width, 1, true, options))),
      classes_(
          register_module("classes", std::make_shared<model::Linear>(vision_width, classes, true, options))),
      tokens_(register_module("tokens",
                              std::make_shared<model::Linear>(language_width, 1 + classes, true, options))) {
  const at::NoGradGuard no_grad;
  auto generator = at::detail::createCPUGenerator(seed);
  for (auto& item : named_parameters()) {
    auto& parameter = item.value();
    parameter.zero_();
    if (parameter.dim() < 2) continue;
    parameter.copy_(at::empty(parameter.sizes(), at::kFloat).normal_(0.0, kHeadDeviation, generator));
  }
}

at::Tensor AuxiliaryHeads::mask(const at::Tensor& change) const {
  return mask_->forward(change).squeeze(-1);
}

at::Tensor AuxiliaryHeads::classes(const at::Tensor& features) const {
  return classes_->forward(features);
}

at::Tensor AuxiliaryHeads::tokens(const at::Tensor& image_tokens) const {
  return tokens_->forward(image_tokens);
}

BatchLoss batch_loss(const model::CcexpertModel& model, const TensorBatch& batch,
                     const Objective& objective) {
  const auto& weights = objective.weights;
  BatchLoss result;
  const auto features = model.vision_features(batch.pixels);
  if (weights.classes > 0.0) {
    add(result, class_loss(objective, model.patch_features(features.back()), batch.class_shares),
        weights.classes, &BatchLoss::class_loss);
  }
  if (weights.caption == 0.0 && weights.mask == 0.0 && weights.tokens == 0.0) return result;
  const auto images = model.fuse(features);
  if (weights.mask > 0.0) {
    add(result, mask_loss(objective, images.change, batch.change_mask), weights.mask, &BatchLoss::mask_loss);
  }
  if (weights.caption == 0.0 && weights.tokens == 0.0) return result;
  const auto tokens = model.project(images.tokens);  // [2B,N,H] or [2B,N+1,H]
  if (weights.tokens > 0.0) {
    const auto patches = tokens.narrow(1, 0, model.config().vision.patches());
    const auto loss = image_token_loss(objective, patches, batch, images.change.defined());
    add(result, loss, weights.tokens, &BatchLoss::image_token_loss);
  }
  if (weights.caption > 0.0)
    add_caption_loss(result, model, caption_rows(objective, batch, tokens), tokens, weights.caption);
  return result;
}

}  // namespace ccexpert::train

// Self-critical training: captions that the model draws, weighted by their reward.
#pragma once

#include <string>
#include <vector>

#include <ccexpert/data/change_dataset.h>
#include <ccexpert/train/config.h>

#include "eval/shared/caption_scorer.h"
#include "generate/shared/decode.h"
#include "train/run_model.h"

namespace ccexpert::train {

/// Draws k captions of each pair and weights each by its advantage, its reward minus the mean reward of the
/// pair's k captions (Luo, 2020). The weighted cross-entropy of these captions is the loss of REINFORCE with
/// that baseline: -(r - mean r) x sum of log p over the caption's tokens, divided by the number of tokens of
/// the micro-batch. p is the model's distribution at temperature 1.
class SelfCritical {
 public:
  /// All arguments must outlive it. Throws Error if the metric needs METEOR's tables and they are missing.
  SelfCritical(const RunModel& run, const TrainConfig& config, const std::vector<data::ChangeExample>& pairs);

  /// Draws from `batch.seeds`; `image_tokens` are [2B,N,H]. Gradients do not flow through the drawing.
  CaptionRows draw(const TensorBatch& batch, const at::Tensor& image_tokens);

 private:
  using Drawn = std::vector<std::vector<generate::GeneratedSequence>>;

  Drawn drawn_captions(const TensorBatch& batch, const at::Tensor& image_tokens) const;
  std::vector<double> rewards(const std::vector<generate::GeneratedSequence>& captions,
                              const std::vector<std::string>& references);

  const RunModel& run_;
  const std::vector<data::ChangeExample>& pairs_;
  const std::vector<int64_t> prompt_;
  const size_t samples_;
  generate::SearchRequest request_;
  eval::CaptionScorer scorer_;
};

/// Returns each reward minus their mean.
std::vector<double> advantages(const std::vector<double>& rewards);

/// Returns the seed of what is drawn for the sample at `place` of an epoch's order. It does not depend on the
/// rank.
uint64_t draw_seed(int64_t seed, int64_t epoch, int64_t place);

}  // namespace ccexpert::train

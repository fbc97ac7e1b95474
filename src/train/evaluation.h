// Loss and captions of a split, shared out over the ranks.
#pragma once

#include <memory>
#include <stop_token>
#include <vector>

#include <ccexpert/data/change_dataset.h>
#include <ccexpert/distributed/communicator.h>

#include "train/caption_scores.h"
#include "train/run_log.h"
#include "train/run_model.h"

namespace ccexpert::train {

/// Each pair is evaluated by one rank. All ranks call `run` and get the same numbers.
class Evaluator {
 public:
  /// `run` and `communicator` must outlive it. Takes the first `evaluation.max_pairs` pairs. Throws Error
  /// where the config's metric needs METEOR's tables and there are none.
  Evaluator(const RunModel& run, const TrainConfig& config, distributed::Communicator& communicator);

  bool has_pairs() const { return !pairs_.empty(); }
  /// Loss is the mean over the supervised tokens of all captions. `score` is of the config's metric.
  EvaluationLine run(int64_t step) const;

 private:
  struct Sums;

  std::vector<const data::ChangeExample*> own_pairs() const;
  void evaluate(const std::vector<const data::ChangeExample*>& batch, Sums& sums) const;
  void add_losses(const std::vector<const data::ChangeExample*>& batch, const at::Tensor& tokens,
                  Sums& sums) const;
  void add_captions(const std::vector<const data::ChangeExample*>& batch, const at::Tensor& tokens,
                    Sums& sums) const;
  at::Tensor load_pixels(const std::vector<const data::ChangeExample*>& batch) const;
  NamedScores score_captions(const Sums& sums) const;
  bool wants_caption(const data::ChangeExample& pair) const;

  const RunModel& run_;
  const TrainConfig& config_;
  distributed::Communicator& communicator_;
  std::vector<data::ChangeExample> pairs_;
  std::unique_ptr<CaptionScores> scores_;  ///< nothing where the metric is the loss
  std::vector<std::string> unchanged_;     ///< what is said of unchanged pairs, sorted
};

/// Whether a larger score of this metric is better.
bool larger_is_better(const std::string& metric);

}  // namespace ccexpert::train

// Loss and captions of a split, distributed over ranks.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <vector>

#include <ccexpert/data/change_dataset.h>
#include <ccexpert/train/run_control.h>

#include "distributed/shared/communicator.h"
#include "eval/shared/caption_scorer.h"
#include "generate/shared/decode.h"
#include "train/caption_scores.h"
#include "train/run_log.h"
#include "train/run_model.h"

namespace ccexpert::train {

/// Evaluates each pair on one rank. All ranks call `run` and get the same numbers.
class Evaluator {
 public:
  /// `run` and `communicator` must outlive it. Uses the first `evaluation.max_pairs` pairs. Throws Error if
  /// the metric cannot be computed from the data or METEOR's tables are missing, and if captions cannot be
  /// decoded as the model's generation_config.json requires.
  Evaluator(const RunModel& run, const TrainConfig& config, distributed::Communicator& communicator);

  bool has_pairs() const { return !pairs_.empty(); }
  /// Returns the decoding settings: the config's values, else those of the model's generation_config.json.
  const generate::DecodingConfig& decoding() const { return decoding_; }
  const std::vector<data::ChangeExample>& pairs() const { return pairs_; }
  /// Evaluates all pairs. The loss is the mean over the supervised tokens of all captions; `score` is the
  /// config's metric. Returns nothing if a stop is requested on any rank before the end. Unreadable pairs and
  /// overlong captions are errors or left out, as `data.unreadable` states.
  std::optional<EvaluationLine> run(int64_t step, const RunControl& control = {});

 private:
  struct Sums;
  using Pairs = std::vector<const data::ChangeExample*>;

  Pairs own_pairs() const;
  at::Device device() const { return run_.model->options().device(); }
  EvaluationLine line_of(const Sums& sums, int64_t step) const;
  void evaluate(const Pairs& batch, const RunControl& control, Sums& sums);
  /// Removes unreadable pairs from `batch`.
  at::Tensor readable_pixels(Pairs& batch, Sums& sums);
  void add_losses(const Pairs& batch, const at::Tensor& tokens, Sums& sums);
  void add_captions(const Pairs& batch, const at::Tensor& tokens, Sums& sums) const;
  /// Returns the candidate of minimum-Bayes-risk decoding that agrees most with the samples.
  size_t best_candidate(std::span<const generate::GeneratedSequence> candidates) const;
  std::string caption_of(const generate::GeneratedSequence& sequence) const;
  void leave_out(const data::ChangeExample& pair, const std::string& problem, Sums& sums);
  NamedScores score_captions(const Sums& sums) const;
  bool wants_caption(const data::ChangeExample& pair) const;

  const RunModel& run_;
  const TrainConfig& config_;
  distributed::Communicator& communicator_;
  const generate::DecodingConfig decoding_;
  std::vector<data::ChangeExample> pairs_;
  std::unique_ptr<eval::CaptionScorer> agreement_;  ///< null without minimum-Bayes-risk decoding
  std::unique_ptr<CaptionScores> scores_;           ///< null if the metric is the loss
  std::vector<std::string> unchanged_;              ///< references of unchanged pairs, sorted
  std::set<const data::ChangeExample*> reported_;
};

/// True if a larger score of this metric is better.
bool larger_is_better(Metric metric);

/// True if the score is better than the best so far. NaN and infinity never are.
bool is_better(Metric metric, double score, const std::optional<double>& best);

}  // namespace ccexpert::train

// Loss and captions of a split, shared out over the ranks.
#pragma once

#include <memory>
#include <optional>
#include <set>
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
  /// where the metric cannot be told from the data, or needs METEOR's tables and there are none, and where
  /// captions cannot be decoded as the model's generation_config.json asks.
  Evaluator(const RunModel& run, const TrainConfig& config, distributed::Communicator& communicator);

  bool has_pairs() const { return !pairs_.empty(); }
  /// How captions are decoded: the config's values, else those of the model's generation_config.json.
  const DecodingConfig& decoding() const { return decoding_; }
  const std::vector<data::ChangeExample>& pairs() const { return pairs_; }
  /// Loss is the mean over the supervised tokens of all captions. `score` is of the config's metric. Nothing
  /// where a stop is requested on any rank before it is done. Unreadable pairs and captions of too many
  /// tokens end it or are left out, as `data.unreadable` has it.
  std::optional<EvaluationLine> run(int64_t step, const std::stop_token& stop = {});

 private:
  struct Sums;
  using Pairs = std::vector<const data::ChangeExample*>;

  Pairs own_pairs() const;
  bool any_rank_stops(const std::stop_token& stop) const;
  EvaluationLine line_of(const Sums& sums, int64_t step) const;
  void evaluate(const Pairs& batch, Sums& sums);
  /// Takes pairs that cannot be read out of `batch`.
  at::Tensor load_pixels(Pairs& batch, Sums& sums);
  void add_losses(const Pairs& batch, const at::Tensor& tokens, Sums& sums);
  void add_captions(const Pairs& batch, const at::Tensor& tokens, Sums& sums) const;
  void leave_out(const data::ChangeExample& pair, const std::string& problem, Sums& sums);
  NamedScores score_captions(const Sums& sums) const;
  bool wants_caption(const data::ChangeExample& pair) const;

  const RunModel& run_;
  const TrainConfig& config_;
  distributed::Communicator& communicator_;
  const DecodingConfig decoding_;
  std::vector<data::ChangeExample> pairs_;
  std::unique_ptr<CaptionScores> scores_;  ///< nothing where the metric is the loss
  std::vector<std::string> unchanged_;     ///< what is said of unchanged pairs, sorted
  std::set<const data::ChangeExample*> reported_;
};

/// Whether a larger score of this metric is better.
bool larger_is_better(const std::string& metric);

/// Whether a score takes the place of the best so far; one that is no number never does.
bool is_better(const std::string& metric, double score, const std::optional<double>& best);

}  // namespace ccexpert::train

// Predictions and their scores, whole and by subset.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ccexpert/eval/caption_files.h>
#include <ccexpert/eval/scorer.h>

namespace ccexpert::tools {

/// All pairs, or those that changed or did not.
struct Subset {
  std::string name;
  std::vector<size_t> pairs;  ///< places in the set
  eval::ScoreTable table;
  std::vector<eval::Interval> intervals = {};  ///< of the table's columns; empty where none were asked for
  std::vector<eval::Difference> differences = {};  ///< to the predictions that these are compared with
};

struct Scored {
  std::string name;
  eval::EvaluationSet set;
  std::vector<Subset> subsets;  ///< the first is all pairs

  const eval::ScoreTable& table() const { return subsets.front().table; }
};

/// What every output says of how it was made.
struct Scoring {
  eval::Tokenizer tokenizer;
  bool meteor;
  std::string split;  ///< of the references; empty where they have none
  double confidence;  ///< of the intervals
  int64_t resamples;  ///< 0: no intervals
};

struct EvalResult {
  Scoring scoring;
  Scored scored;
  std::optional<Scored> baseline;  ///< what it is compared with
  size_t left_out = 0;             ///< pairs that only one of the two has
};

/// The least and the most references that a pair has, as "5" or "3 to 5".
std::string reference_counts(const eval::EvaluationSet& set);

}  // namespace ccexpert::tools

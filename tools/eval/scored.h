// Predictions and their scores, for all pairs and by subset.
#pragma once

#include <string>
#include <vector>

#include <ccexpert/eval/scorer.h>

#include "eval/shared/caption_files.h"

namespace ccexpert::tools {

/// All pairs, or only the changed or unchanged ones.
struct Subset {
  std::string name;
  std::vector<size_t> pairs;  ///< indices in the set
  eval::ScoreTable table;
  std::vector<eval::Interval> intervals = {};      ///< per column of the table; empty with --no-bootstrap
  std::vector<eval::Difference> differences = {};  ///< the first predictions minus these; empty for the first
};

struct Scored {
  std::string name;
  eval::EvaluationSet set;
  std::vector<Subset> subsets;  ///< the first one has all pairs

  const eval::ScoreTable& table() const { return subsets.front().table; }
};

/// Settings recorded in every output.
struct Scoring {
  eval::Tokenizer tokenizer;
  eval::Repeats repeats;
  bool meteor;
  std::string split;  ///< split of the references; empty if they have none
  double confidence;  ///< confidence level of the intervals
  int64_t resamples;  ///< 0: no intervals
};

struct EvalResult {
  Scoring scoring;
  Scored scored;
  std::vector<Scored> baselines;  ///< other predictions, on the same pairs in the same order
  size_t left_out = 0;            ///< predictions of pairs missing in some of the files
};

/// Returns the predictions and those to compare with, in the order of the command line.
std::vector<const Scored*> all_models(const EvalResult& result);

/// Returns the minimum and maximum number of references per pair, as "5" or "3 to 5".
std::string reference_counts(const eval::EvaluationSet& set);

}  // namespace ccexpert::tools

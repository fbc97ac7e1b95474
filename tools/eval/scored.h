// Predictions and their scores, whole and by subset.
#pragma once

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
  std::vector<eval::Difference> differences = {};  ///< the first predictions minus these; empty for the first
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
  eval::Repeats repeats;
  bool meteor;
  std::string split;  ///< of the references; empty where they have none
  double confidence;  ///< of the intervals
  int64_t resamples;  ///< 0: no intervals
};

struct EvalResult {
  Scoring scoring;
  Scored scored;
  std::vector<Scored> baselines;  ///< what it is compared with, on the same pairs in the same order
  size_t left_out = 0;            ///< predictions of pairs that not all of the files have
};

/// The predictions and those that they are compared with, in the order of the command line.
std::vector<const Scored*> all_models(const EvalResult& result);

/// "once" or "each".
std::string repeats_name(eval::Repeats repeats);

/// The least and the most references that a pair has, as "5" or "3 to 5".
std::string reference_counts(const eval::EvaluationSet& set);

}  // namespace ccexpert::tools

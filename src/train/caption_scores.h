// Scores of generated captions, by their names in configs.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include <ccexpert/eval/scorer.h>
#include <ccexpert/train/choices.h>

namespace ccexpert::train {

/// A metric's name in configs and logs ("bleu_1" to "bleu_4", "meteor", "rouge_l", "cider_d", "s_star_m"),
/// and its value.
using NamedScores = std::vector<std::pair<std::string, double>>;

class CaptionScores {
 public:
  /// Computes METEOR and S*m only if `metric` is one of them. Throws Error if METEOR's tables are then
  /// missing: at the start of a run, not after its first epoch.
  explicit CaptionScores(Metric metric);

  NamedScores score(std::span<const eval::CaptionedPair> samples);

 private:
  eval::Scorer scorer_;
};

/// Returns a generated caption as it is scored: line breaks and tabs are blanks, and none surround it.
std::string one_line(std::string caption);

}  // namespace ccexpert::train

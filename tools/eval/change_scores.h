// Scores of changes in predictions, and their quality.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "eval/scored.h"
#include "eval/shared/calibration.h"

namespace ccexpert::tools {

/// Returns the raw scores of the pairs that have one and whose change is known.
std::vector<eval::ScoredChange> raw_changes(const eval::EvaluationSet& set);

/// Decisions of captions about a change, with and without those that are unsure.
struct SureCaptions {
  int64_t pairs = 0;     ///< with `unsure` and a known change
  int64_t sure = 0;      ///< of them
  double risk = 0.0;     ///< share of wrong captions of all pairs
  double of_sure = 0.0;  ///< of the sure ones
  double of_unsure = 0.0;
};

/// Quality of the scores of one file; nothing without scores.
struct ChangeQuality {
  eval::Reliability scores;
  std::vector<eval::RiskPoint> risks;
  SureCaptions captions;  ///< no pairs without `unsure`
};

/// Returns the quality of the change scores of predictions; nothing if none of them has one.
std::optional<ChangeQuality> change_quality(const Scored& scored);

/// Returns lines for the table of scores, or nothing without scores.
std::string change_lines(const Scored& scored);

/// Returns a section of an HTML page with a reliability diagram and risk against coverage, or nothing without
/// scores.
std::string change_section(const Scored& scored);

}  // namespace ccexpert::tools

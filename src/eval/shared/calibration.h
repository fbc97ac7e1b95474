/// Calibration of change scores, and its quality: Platt (1999), isotonic regression (Zadrozny and Elkan,
/// 2002), expected calibration error (Naeini et al., 2015), risk against coverage (El-Yaniv and Wiener,
/// 2010).
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "core/change_calibration.h"

namespace ccexpert::eval {

/// Score of a pair, raw or as a probability, and the truth.
struct ScoredChange {
  double score = 0.0;  ///< in [0, 1]
  bool changed = false;
};

/// Fewest pairs of a calibration, and fewest of them with and without a change.
inline constexpr int64_t kFewestPairs = 20, kFewestOfAKind = 5;

/// Returns the calibration of this method that fits raw scores best.
ChangeCalibration fitted(std::span<const ScoredChange> raw, CalibrationMethod method);

/// Pairs whose scores are in one of equal ranges.
struct ReliabilityBin {
  int64_t pairs = 0;
  double score = 0.0;    ///< mean
  double changed = 0.0;  ///< share
};

/// Agreement of probabilities with truths.
struct Reliability {
  std::array<ReliabilityBin, 10> bins = {};
  int64_t pairs = 0;
  double error = 0.0;  ///< expected calibration error
  double brier = 0.0;  ///< mean squared difference
  double area = 0.0;   ///< under the curve of true against false positives; NaN for pairs of one kind
};

Reliability reliability(std::span<const ScoredChange> scores);

/// Share of wrong decisions among the pairs that are decided.
struct RiskPoint {
  double coverage = 0.0;  ///< share of the pairs
  double risk = 0.0;
};

/// Returns the risk of deciding by `score >= 0.5`, the pairs with scores farthest from 0.5 first; pairs of
/// equal scores come together.
std::vector<RiskPoint> risk_by_coverage(std::span<const ScoredChange> scores);

/// Returns the mean risk over all coverages.
double mean_risk(std::span<const RiskPoint> points);

/// Calibration and the quality of both methods on pairs that they were not fitted on.
struct ChosenCalibration {
  ChangeCalibration calibration;  ///< of the method with the smaller Brier score, fitted on all pairs
  Reliability uncalibrated, platt, isotonic;
};

/// Fits both methods five times on four fifths of the pairs and scores the rest. Throws Error for fewer pairs
/// than kFewestPairs, or than kFewestOfAKind with or without a change.
ChosenCalibration chosen_calibration(std::span<const ScoredChange> raw);

}  // namespace ccexpert::eval

#include "eval/shared/calibration.h"

#include <cmath>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace ccexpert::eval {
namespace {

using test::error_of;

/// Draws pairs whose change has the probability of a logistic function of the raw score.
std::vector<ScoredChange> drawn(size_t count, double slope, double offset) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  std::vector<ScoredChange> pairs;
  for (size_t i = 0; i < count; ++i) {
    const double raw = uniform(random);
    pairs.push_back({raw, uniform(random) < 1.0 / (1.0 + std::exp(-(slope * raw + offset)))});
  }
  return pairs;
}

TEST(Calibration, PlattFindsTheLogisticFunction) {
  const auto fit = fitted(drawn(20000, 12.0, -4.0), CalibrationMethod::kPlatt);
  EXPECT_NEAR(fit.slope, 12.0, 0.6);
  EXPECT_NEAR(fit.offset, -4.0, 0.25);
  EXPECT_EQ(fit.pairs, 20000);
}

TEST(Calibration, PlattStaysFiniteForSeparatePairs) {
  std::vector<ScoredChange> pairs;
  for (int i = 0; i < 20; ++i) pairs.push_back({i < 10 ? 0.1 : 0.9, i >= 10});
  const auto fit = fitted(pairs, CalibrationMethod::kPlatt);
  // Platt's targets: 1/12 and 11/12.
  EXPECT_NEAR(fit.probability(0.1), 1.0 / 12.0, 1e-3);
  EXPECT_NEAR(fit.probability(0.9), 11.0 / 12.0, 1e-3);
}

/// Returns the mean probability of the pairs.
double mean_probability(const std::vector<ScoredChange>& pairs, const ChangeCalibration& fit) {
  double sum = 0.0;
  for (const auto& pair : pairs) sum += fit.probability(pair.score);
  return sum / static_cast<double>(pairs.size());
}

TEST(Calibration, PlattGivesTheShareOfChangesForScoresThatTellNothing) {
  std::vector<ScoredChange> pairs;
  for (int i = 0; i < 40; ++i) pairs.push_back({0.1 * (i / 4), i % 4 == 0});  // a quarter at each score
  const auto fit = fitted(pairs, CalibrationMethod::kPlatt);
  EXPECT_LE(fit.slope, 1e-3);
  EXPECT_NEAR(mean_probability(pairs, fit), 0.25, 1e-9);
}

TEST(Calibration, PlattGivesTheShareOfChangesForLargeScoresThatFall) {
  std::vector<ScoredChange> pairs;
  for (int i = 0; i < 40; ++i) pairs.push_back({0.9 + 0.0025 * i, i < 10});  // the smallest ones are changed
  const auto fit = fitted(pairs, CalibrationMethod::kPlatt);
  EXPECT_GT(fit.slope, 0.0);
  EXPECT_NEAR(mean_probability(pairs, fit), 0.25, 1e-9);
}

TEST(Calibration, PlattOfPairsOfOneKindIsFinite) {
  const std::vector<ScoredChange> pairs{{0.1, false}, {0.2, false}, {0.3, false}, {0.9, false}};
  const auto fit = fitted(pairs, CalibrationMethod::kPlatt);
  EXPECT_TRUE(std::isfinite(fit.offset));
  EXPECT_LT(mean_probability(pairs, fit), 0.5);
}

TEST(Calibration, IsotonicPoolsNeighboursThatFall) {
  const std::vector<ScoredChange> pairs{{0.1, false}, {0.2, true}, {0.3, false}, {0.4, true}, {0.5, true}};
  const auto fit = fitted(pairs, CalibrationMethod::kIsotonic);
  EXPECT_DOUBLE_EQ(fit.probability(0.1), 0.1) << "half of a fifth: no sample proves 0";
  EXPECT_DOUBLE_EQ(fit.probability(0.25), 0.5) << "one of two";
  EXPECT_DOUBLE_EQ(fit.probability(0.45), 0.9);
  EXPECT_TRUE(std::ranges::is_sorted(fit.score));
}

TEST(Calibration, ReliabilityOfHandComputedScores) {
  const std::vector<ScoredChange> scores{{0.05, false}, {0.05, true}, {0.95, true}, {1.0, true}};
  const auto found = reliability(scores);
  EXPECT_EQ(found.bins[0].pairs, 2);
  EXPECT_DOUBLE_EQ(found.bins[0].changed, 0.5);
  EXPECT_EQ(found.bins[9].pairs, 2) << "1 is in the last bin";
  EXPECT_NEAR(found.error, 0.5 * 0.45 + 0.5 * 0.025, 1e-12);
  EXPECT_NEAR(found.brier, (0.0025 + 0.9025 + 0.0025) / 4.0, 1e-12);
  EXPECT_NEAR(found.area, (0.5 + 1.0 + 1.0) / 3.0, 1e-12) << "equal scores count half";
}

TEST(Calibration, RiskGrowsWithCoverage) {
  const std::vector<ScoredChange> scores{{0.9, true}, {0.1, false}, {0.7, false}, {0.45, true}};
  const auto points = risk_by_coverage(scores);
  ASSERT_EQ(points.size(), 3u) << "two pairs are as sure";
  EXPECT_DOUBLE_EQ(points[0].coverage, 0.5);
  EXPECT_DOUBLE_EQ(points[0].risk, 0.0);
  EXPECT_DOUBLE_EQ(points[1].risk, 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(points[2].risk, 0.5);
  EXPECT_NEAR(mean_risk(points), 0.25 / 3.0 + 0.125, 1e-12);
}

TEST(Calibration, ChoosesByPairsThatAFitHasNotSeen) {
  const auto logistic = chosen_calibration(drawn(1000, 12.0, -4.0));
  EXPECT_LT(logistic.platt.brier, logistic.uncalibrated.brier);
  EXPECT_EQ(logistic.platt.pairs, 1000);
  auto steps = drawn(1000, 12.0, -4.0);
  for (auto& pair : steps) pair.changed = pair.score > 0.3 && (pair.score < 0.6 || pair.score > 0.9);
  const auto chosen = chosen_calibration(steps);
  EXPECT_LT(chosen.isotonic.brier, chosen.platt.brier) << "no logistic function falls and rises again";
  EXPECT_EQ(chosen.calibration.method, CalibrationMethod::kIsotonic);
  // Few pairs with much noise: steps follow the noise.
  const auto few = chosen_calibration(drawn(60, 3.0, -1.5));
  EXPECT_LT(few.platt.brier, few.isotonic.brier);
  EXPECT_EQ(few.calibration.method, CalibrationMethod::kPlatt);
}

TEST(Calibration, RefusesTooFewPairs) {
  EXPECT_EQ(error_of([] {
              chosen_calibration(std::vector<ScoredChange>(30, {0.5, true}));
            }),
            "calibration: expected at least 20 pairs, 5 with and 5 without a change, got 30 pairs, 30 with a "
            "change");
}

}  // namespace
}  // namespace ccexpert::eval

// Intervals over seeds, against tables of Student's distribution and hand-computed cases.
#include "eval/shared/seed_statistics.h"

#include <cmath>

#include <gtest/gtest.h>

namespace ccexpert::eval {
namespace {

TEST(SeedStatistics, QuantilesAreThoseOfPrintedTables) {
  EXPECT_NEAR(student_quantile(0.975, 1.0), 12.706205, 1e-5);
  EXPECT_NEAR(student_quantile(0.975, 2.0), 4.302653, 1e-5);
  EXPECT_NEAR(student_quantile(0.975, 4.0), 2.776445, 1e-5);
  EXPECT_NEAR(student_quantile(0.95, 10.0), 1.812461, 1e-5);
  EXPECT_NEAR(student_quantile(0.995, 30.0), 2.749996, 1e-5);
  EXPECT_NEAR(student_quantile(0.025, 2.0), -4.302653, 1e-5);
  EXPECT_NEAR(student_quantile(0.5, 3.0), 0.0, 1e-9);
  // Between whole numbers of degrees of freedom.
  EXPECT_GT(student_quantile(0.975, 2.5), student_quantile(0.975, 3.0));
  EXPECT_LT(student_quantile(0.975, 2.5), student_quantile(0.975, 2.0));
}

TEST(SeedStatistics, TheMeanHasStudentsInterval) {
  // Mean 2, variance 1, so the margin is 4.302653 / sqrt(3).
  const auto spread = mean_of_seeds({1.0, 2.0, 3.0}, 0.95);
  EXPECT_DOUBLE_EQ(spread.value, 2.0);
  EXPECT_NEAR(spread.margin, 2.484138, 1e-5);
  EXPECT_LT(mean_of_seeds({1.0, 2.0, 3.0}, 0.9).margin, spread.margin);
}

TEST(SeedStatistics, OneSeedHasNoInterval) {
  EXPECT_EQ(mean_of_seeds({0.5}, 0.95).value, 0.5);
  EXPECT_TRUE(std::isnan(mean_of_seeds({0.5}, 0.95).margin));
  EXPECT_TRUE(std::isnan(mean_of_seeds({}, 0.95).value));
  EXPECT_EQ(difference_of_seeds({0.5}, {0.75, 0.75}, 0.95).value, 0.25);
  EXPECT_TRUE(std::isnan(difference_of_seeds({0.5}, {0.75, 0.75}, 0.95).margin));
}

TEST(SeedStatistics, TheDifferenceHasWelchsInterval) {
  // Equal variances and sizes: 4 degrees of freedom and a variance of 1/3 + 1/3.
  const auto equal = difference_of_seeds({1.0, 2.0, 3.0}, {4.0, 5.0, 6.0}, 0.95);
  EXPECT_DOUBLE_EQ(equal.value, 3.0);
  EXPECT_NEAR(equal.margin, 2.776445 * std::sqrt(2.0 / 3.0), 1e-5);
  // Without variance in one of them its degrees of freedom do not count.
  const auto one = difference_of_seeds({1.0, 2.0, 3.0}, {5.0, 5.0, 5.0}, 0.95);
  EXPECT_NEAR(one.margin, 4.302653 / std::sqrt(3.0), 1e-5);
  EXPECT_EQ(difference_of_seeds({1.0, 1.0}, {2.0, 2.0}, 0.95).margin, 0.0);
}

}  // namespace
}  // namespace ccexpert::eval

// Figures combined over ranks for the log.
#include "train/rank_figures.h"

#include <gtest/gtest.h>

#include "support/ranks.h"

namespace ccexpert::train {
namespace {

TEST(RankFigures, AreOfTheSlowestAndTheFullestRank) {
  test::in_ranks(3, [](int rank) {
    const auto all = test::join_ranks();
    const RankFigures figures[] = {{0.25, 5e9, 0, 4}, {0.5, 1e9, 2, 0}, {0.125, 3e9, 1, 3}};
    const auto together = of_all_ranks(figures[rank], *all, at::kCPU);
    EXPECT_EQ(together.wait_seconds, 0.5);
    EXPECT_EQ(together.memory, 5e9);
    EXPECT_EQ(together.skipped_samples, 3);
    EXPECT_EQ(together.contradictions, 7);
  });
}

TEST(RankFigures, OfOneAreItsOwn) {
  const auto alone = distributed::single_process();
  const auto figures = of_all_ranks({0.5, 2e9, 7}, *alone, at::kCPU);
  EXPECT_EQ(figures.wait_seconds, 0.5);
  EXPECT_EQ(figures.memory, 2e9);
  EXPECT_EQ(figures.skipped_samples, 7);
}

}  // namespace
}  // namespace ccexpert::train

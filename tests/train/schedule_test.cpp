// Learning rates against those of transformers' get_cosine_schedule_with_warmup.
#include "train/schedule.h"

#include <gtest/gtest.h>

namespace ccexpert::train {
namespace {

TEST(Schedule, CosineIsTransformers) {
  const auto schedule = make_schedule(Decay::kCosine, 10, 0.2);
  EXPECT_EQ(schedule.warmup_steps, 2);
  constexpr double kExpected[] = {0.0,
                                  0.5,
                                  1.0,
                                  0.9619397662556434,
                                  0.8535533905932737,
                                  0.6913417161825449,
                                  0.5,
                                  0.3086582838174551,
                                  0.14644660940672627,
                                  0.03806023374435663,
                                  0.0};
  for (int64_t step = 0; step <= 10; ++step) EXPECT_NEAR(schedule.factor(step), kExpected[step], 1e-15);
}

TEST(Schedule, ConstantAfterTheWarmup) {
  const auto schedule = make_schedule(Decay::kConstant, 8, 0.5);
  EXPECT_EQ(schedule.factor(0), 0.0);
  EXPECT_EQ(schedule.factor(3), 0.75);
  for (int64_t step = 4; step < 8; ++step) EXPECT_EQ(schedule.factor(step), 1.0);
}

TEST(Schedule, WarmupIsRoundedUp) {
  EXPECT_EQ(make_schedule(Decay::kCosine, 334, 0.03).warmup_steps, 11);
  EXPECT_EQ(make_schedule(Decay::kCosine, 1, 0.03).warmup_steps, 1);
  EXPECT_EQ(make_schedule(Decay::kCosine, 100, 0.0).warmup_steps, 0);
}

TEST(Schedule, WithoutWarmupItBeginsAtTheFullRate) {
  EXPECT_EQ(make_schedule(Decay::kCosine, 4, 0.0).factor(0), 1.0);
  EXPECT_NEAR(make_schedule(Decay::kCosine, 4, 0.0).factor(2), 0.5, 1e-15);
}

}  // namespace
}  // namespace ccexpert::train

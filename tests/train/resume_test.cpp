// Changes of the config between two calls of a run.
#include "train/resume.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ccexpert::train {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(ConfigChanges, AreThoseOfValues) {
  const auto changes =
      config_changes("output: a\nseed: 1\nloss: {mask: 0.50}\n", "output: b\nseed: 1\nloss: {mask: 0.5}\n");
  EXPECT_THAT(changes, IsEmpty());
  const auto more = config_changes("seed: 1\nnothing: x\n", "seed: 2\nnews: y\n");
  ASSERT_EQ(more.size(), 3U);
  EXPECT_EQ(more[0].key, "news");
  EXPECT_EQ(more[0].before, std::nullopt);
  EXPECT_EQ(more[0].now, "y");
  EXPECT_EQ(more[1].now, std::nullopt);
  EXPECT_EQ(more[2].before, "1");
}

TEST(ConfigChanges, ThatAResumedRunDoesNotReadAreNamed) {
  EXPECT_THAT(
      change_notes({{"seed", "1", "2"}, {"model.fresh", "true", "false"}}, 6),
      ElementsAre("changed since step 6: seed from '1' to '2'",
                  "no effect, as the run is resumed after step 6: model.fresh from 'true' to 'false'"));
  EXPECT_THAT(
      change_notes({{"model.image_newline", "false", "true"}}, 6),
      ElementsAre("no effect, as the run is resumed after step 6: model.image_newline from 'false' to "
                  "'true'"));
  EXPECT_THAT(change_notes({{"model.image_newline", "true", "false"}}, 6),
              ElementsAre("changed since step 6: model.image_newline from 'true' to 'false'"));
  EXPECT_THAT(change_notes({{"news", {}, "y"}}, 6),
              ElementsAre("changed since step 6: news from nothing to 'y'"));
}

}  // namespace
}  // namespace ccexpert::train

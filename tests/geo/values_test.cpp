// Text forms of lengths, stretches and shards, and samples of values.
#include <gtest/gtest.h>

#include <ccexpert/geo/values.h>

#include "geo/value_sample.h"

namespace ccexpert::geo {
namespace {

TEST(Length, HasPixelsAndMetres) {
  EXPECT_EQ(Length::from_text("256"), (Length{256.0, false}));
  EXPECT_EQ(Length::from_text("12.5m"), (Length{12.5, true}));
  EXPECT_EQ(Length::from_text("12.5m")->text(), "12.5m");
  for (const char* wrong : {"", "m", "-1", "2.5", "1km", "nan", "1e99"})
    EXPECT_FALSE(Length::from_text(wrong)) << wrong;
}

TEST(Stretch, HasItsFourForms) {
  using Kind = Stretch::Kind;
  EXPECT_EQ(Stretch::from_text("auto"), Stretch{});
  EXPECT_EQ(Stretch::from_text("none")->kind, Kind::kNone);
  EXPECT_EQ(Stretch::from_text("1,99.5"), (Stretch{Kind::kPercentiles, 1.0, 99.5}));
  EXPECT_EQ(Stretch::from_text("fixed:-5,3000"), (Stretch{Kind::kFixed, -5.0, 3000.0}));
  for (const char* text : {"auto", "none", "1,99.5", "fixed:-5,3000"})
    EXPECT_EQ(Stretch::from_text(text)->text(), text);
  for (const char* wrong : {"", "98,2", "2", "-1,50", "2,101", "fixed:", "fixed:3,3", "inf,1"})
    EXPECT_FALSE(Stretch::from_text(wrong)) << wrong;
}

TEST(Shard, CountsFromOne) {
  EXPECT_EQ(Shard::from_text("3/8"), (Shard{3, 8}));
  EXPECT_EQ(Shard::from_text("3/8")->text(), "3/8");
  for (const char* wrong : {"", "0/8", "9/8", "1/0", "1", "1/", "1/2/3", "a/b"})
    EXPECT_FALSE(Shard::from_text(wrong)) << wrong;
}

TEST(ValueSample, IsExactUntilItIsFull) {
  ValueSample sample(100);
  EXPECT_TRUE(sample.is_empty());
  for (int i = 98; i >= 0; --i) sample.add(static_cast<float>(i));
  EXPECT_EQ(sample.percentile(0.0), 0.0);
  EXPECT_EQ(sample.percentile(50.0), 49.0);
  EXPECT_EQ(sample.percentile(100.0), 98.0);
}

TEST(ValueSample, ThinsWhatItKeepsEvenly) {
  ValueSample sample(100);
  for (int i = 0; i < 99'999; ++i) {
    sample.add(static_cast<float>(i));
    ASSERT_LT(sample.size(), 100U);
  }
  EXPECT_GE(sample.size(), 49U);
  EXPECT_EQ(sample.percentile(0.0), 0.0);
  EXPECT_NEAR(sample.percentile(50.0), 50'000.0, 2'048.0);
  EXPECT_NEAR(sample.percentile(100.0), 100'000.0, 2'048.0);
}

}  // namespace
}  // namespace ccexpert::geo

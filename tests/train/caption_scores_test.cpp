#include "train/caption_scores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eval/meteor_tables.h"
#include "support/errors.h"

namespace ccexpert::train {
namespace {

using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

std::vector<std::string> names_of(const NamedScores& scores) {
  std::vector<std::string> names;
  for (const auto& [name, value] : scores) names.push_back(name);
  return names;
}

const std::vector<eval::CaptionedPair> kSamples{
    {.uid = "a",
     .prediction = "many houses are built .",
     .references = {"many houses are built ."},
     .changed = true},
    {.uid = "b", .prediction = "a road", .references = {"there is no difference ."}, .changed = false}};

TEST(CaptionScores, HaveTheNamesOfConfigs) {
  const test::MeteorTables tables;
  ::setenv("CCEXPERT_METEOR_DATA", tables.data().c_str(), 1);
  const auto scores = CaptionScores(Metric::kSStarM).score(kSamples);
  ::unsetenv("CCEXPERT_METEOR_DATA");
  EXPECT_THAT(names_of(scores), IsSupersetOf({"bleu_4", "meteor", "rouge_l", "cider_d", "s_star_m"}));
  double mean = 0.0, score = 0.0;
  for (const auto& [name, value] : scores) {
    if (name == "s_star_m") score = value;
    if (name == "bleu_4" || name == "meteor" || name == "rouge_l" || name == "cider_d") mean += value / 4.0;
  }
  EXPECT_NEAR(score, mean, 1e-12);
  EXPECT_GT(score, 0.0);
}

TEST(CaptionScores, NeedMeteorOnlyWhereTheMetricDoes) {
  const test::MeteorTables tables;
  ::setenv("CCEXPERT_METEOR_DATA", "/none", 1);
  EXPECT_THAT(names_of(CaptionScores(Metric::kCiderD).score(kSamples)),
              ::testing::Not(::testing::Contains("meteor")));
  EXPECT_THAT(test::error_of([] { CaptionScores(Metric::kSStarM); }),
              HasSubstr("METEOR's data: expected a file /none"));
  ::unsetenv("CCEXPERT_METEOR_DATA");
}

}  // namespace
}  // namespace ccexpert::train

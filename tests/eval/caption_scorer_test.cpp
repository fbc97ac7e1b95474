// Scores of single captions against the table of a corpus and against cases by hand.
#include "eval/shared/caption_scorer.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/eval/scorer.h>

#include "eval/meteor_tables.h"
#include "support/errors.h"

namespace ccexpert::eval {
namespace {

using ::testing::HasSubstr;

const std::vector<CaptionedPair> kPairs{
    {"a", "A new road is built.", {"a road is built here .", "a new road appears ."}},
    {"b", "nothing has changed", {"the scene is the same .", "no change has occurred ."}},
    {"c", "many houses appear near the road", {"some houses appear near the road .", "houses were built ."}}};

std::vector<std::vector<std::string>> documents() {
  std::vector<std::vector<std::string>> all;
  for (const auto& pair : kPairs) all.push_back(pair.references);
  return all;
}

TEST(CaptionScorer, EqualsTheTableOfACorpusWithItsDocuments) {
  const test::MeteorTables tables;
  const auto table = Scorer({.meteor = tables.open()}).score(kPairs);
  const std::vector<std::pair<CaptionMetric, std::string>> columns{{CaptionMetric::kCiderD, "CIDEr-D"},
                                                                   {CaptionMetric::kBleu4, "BLEU-4"},
                                                                   {CaptionMetric::kRougeL, "ROUGE-L"},
                                                                   {CaptionMetric::kMeteor, "METEOR"},
                                                                   {CaptionMetric::kSStarM, "S*m"}};
  for (const auto& [metric, column] : columns) {
    CaptionScorer scorer({.metric = metric, .meteor_data = tables.data()}, documents());
    const auto place =
        static_cast<size_t>(std::find(table.names.begin(), table.names.end(), column) - table.names.begin());
    for (size_t i = 0; i < kPairs.size(); ++i)
      EXPECT_DOUBLE_EQ(scorer.score(kPairs[i].prediction, kPairs[i].references), table.pairs[i][place])
          << column << i;
  }
}

TEST(CaptionScorer, WithoutDocumentsAllNgramsWeighTheSame) {
  CaptionScorer scorer({});
  EXPECT_NEAR(scorer.score("a b c d e", {"a b c d e"}), 10.0, 1e-12);
  // Orders 1 and 2: 1 of 2 unigrams and none of 1 bigram are common; there are no longer n-grams.
  EXPECT_NEAR(scorer.score("a b", {"a c"}), 10.0 * 0.5 / 4.0, 1e-12);
  EXPECT_EQ(scorer.score("x y", {"a c"}), 0.0);
  EXPECT_EQ(scorer.score("", {"a c"}), 0.0);
}

TEST(CaptionScorer, ForgetsWordsOfEarlierCalls) {
  CaptionScorer scorer({}, documents());
  const double first = scorer.score("unheard words", {"unheard words of houses"});
  scorer.score("others come between", {"and take their place"});
  EXPECT_EQ(scorer.score("unheard words", {"unheard words of houses"}), first);
  EXPECT_GT(first, 0.0);
}

TEST(CaptionScorer, SaysWhatItLacks) {
  CaptionScorer scorer({});
  EXPECT_THAT(test::error_of([&] { scorer.score("a", {}); }), HasSubstr("expected at least one reference"));
  EXPECT_THAT(
      test::error_of([] { CaptionScorer({.metric = CaptionMetric::kSStarM, .meteor_data = "/nowhere"}); }),
      HasSubstr("/nowhere"));
}

}  // namespace
}  // namespace ccexpert::eval

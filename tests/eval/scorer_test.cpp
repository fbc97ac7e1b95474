#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/eval/scorer.h>

#include "eval/golden_metrics.h"
#include "eval/meteor_tables.h"
#include "eval/shared/caption_files.h"
#include "support/errors.h"

namespace ccexpert::eval {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Returns pairs of which the first `right` have correct predictions.
std::vector<CaptionedPair> samples(size_t right, size_t count) {
  std::vector<CaptionedPair> result;
  for (size_t i = 0; i < count; ++i) {
    const std::string reference = "road number " + std::to_string(i) + " is built here .";
    result.push_back({.uid = std::to_string(i),
                      .prediction = i < right ? reference : "nothing of that kind at all .",
                      .references = {reference},
                      .changed = true});
  }
  return result;
}

TEST(Scorer, HasThePapersColumnsAndWithoutMeteorNoMean) {
  const test::MeteorTables tables;
  EXPECT_THAT(Scorer({.meteor = tables.open()}).names(),
              ElementsAre("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "METEOR", "ROUGE-L", "CIDEr-D", "S*m",
                          "CIDEr", "change accuracy"));
  EXPECT_THAT(Scorer({}).names(), ElementsAre("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "CIDEr-D",
                                              "CIDEr", "change accuracy"));
}

TEST(Scorer, MeanIsOfTheFourMetrics) {
  const test::MeteorTables tables;
  const auto table = Scorer({.meteor = tables.open()}).score(samples(2, 4));
  const double mean =
      (table.value("BLEU-4") + table.value("METEOR") + table.value("ROUGE-L") + table.value("CIDEr-D")) / 4.0;
  EXPECT_DOUBLE_EQ(table.value("S*m"), mean);
  EXPECT_TRUE(std::isnan(table.value("SPICE")));
}

/// The authors' script scores every line; values of its scorers and METEOR's jar.
TEST(Scorer, GoldenScoresOfRepeatedUidsThatCountEach) {
  const auto set = evaluation_set(read_predictions(test::golden_metrics_file("predictions.jsonl")), {},
                                  levir_cc_unchanged_sentences(), Repeats::kEach);
  EXPECT_EQ(set.samples.size(), 120u);
  ScorerOptions options;
  const bool has_tables = std::filesystem::exists(MeteorData::default_folder() / "paraphrase-en.gz");
  if (has_tables) options.meteor = MeteorData::open(MeteorData::default_folder());
  const auto table = Scorer(options).score(set.samples);
  EXPECT_NEAR(table.value("BLEU-1"), 0.6162867727485286, 1e-6);
  EXPECT_NEAR(table.value("BLEU-4"), 0.42469950714705595, 1e-6);
  EXPECT_NEAR(table.value("ROUGE-L"), 0.6133096180526738, 1e-6);
  EXPECT_NEAR(table.value("CIDEr-D"), 1.0474423666976374, 1e-6);
  if (!has_tables) GTEST_SKIP() << "METEOR's tables are not installed: run scripts/setup.sh";
  EXPECT_NEAR(table.value("METEOR"), 0.3106787367486945, 1e-4);
  EXPECT_NEAR(table.value("S*m"), 0.5990325571615154, 1e-4);
}

TEST(Scorer, RefusesCaptionsOfNoBound) {
  const std::string longest(65536, 'a');
  const auto error = [](const std::string& said, const std::string& expected) {
    return test::error_of([&] { Scorer({}).score(std::vector<CaptionedPair>{{"u", said, {expected}}}); });
  };
  EXPECT_EQ(error(longest, longest), "no error");
  EXPECT_THAT(error(longest + "a", "x"),
              HasSubstr("pair u: expected captions of at most 65536 bytes, got one of 65537"));
  EXPECT_THAT(error("x", longest + "a"), HasSubstr("pair u: expected captions"));
}

TEST(Scorer, GoldenMean) {
  if (!std::filesystem::exists(MeteorData::default_folder() / "paraphrase-en.gz"))
    GTEST_SKIP() << "METEOR's tables are not installed: run scripts/setup.sh";
  Scorer scorer({.meteor = MeteorData::open(MeteorData::default_folder())});
  EXPECT_NEAR(scorer.score(test::golden_samples()).value("S*m"),
              test::golden_metrics()["corpus"]["Sm"].get<double>(), 1e-6);
}

TEST(Scorer, ScoresAgainFromNothing) {
  Scorer scorer({});
  const auto first = scorer.score(samples(3, 6));
  scorer.score(samples(1, 3));
  EXPECT_EQ(scorer.score(samples(3, 6)).corpus, first.corpus);
}

TEST(Scorer, OfNoSamplesAllIsNan) {
  for (const double value : Scorer({}).score({}).corpus) EXPECT_TRUE(std::isnan(value));
}

TEST(Scorer, RefusesASampleWithoutReferences) {
  const std::vector<CaptionedPair> bad{{.uid = "p7", .prediction = "a", .references = {}}};
  EXPECT_THAT(test::error_of([&] { Scorer({}).score(bad); }),
              HasSubstr("pair p7: expected at least one reference, got none"));
}

TEST(Scorer, IntervalsHoldTheValueAndDoNotDependOnChance) {
  Scorer scorer({});
  const auto table = scorer.score(samples(20, 40));
  const auto intervals = scorer.intervals(table, {});
  const auto again = scorer.intervals(table, {});
  for (size_t i = 0; i < intervals.size(); ++i) {
    EXPECT_LE(intervals[i].low, table.corpus[i]);
    EXPECT_GE(intervals[i].high, table.corpus[i]);
    EXPECT_EQ(intervals[i].low, again[i].low);
  }
  EXPECT_LT(intervals.front().low, intervals.front().high);
  const auto narrow = scorer.intervals(table, {.confidence = 0.5});
  EXPECT_LT(narrow.front().high - narrow.front().low, intervals.front().high - intervals.front().low);
}

TEST(Scorer, ComparisonSeesWhatIsBetterAndWhatIsNot) {
  Scorer scorer({});
  const auto bad = scorer.score(samples(10, 60)), good = scorer.score(samples(50, 60));
  const auto better = scorer.compare(bad, good, {});
  const auto same = scorer.compare(good, good, {});
  EXPECT_GT(better.front().value, 0.3);
  EXPECT_GT(better.front().interval.low, 0.0);
  EXPECT_LT(better.front().p, 0.01);
  EXPECT_EQ(same.front().value, 0.0);
  EXPECT_EQ(same.front().p, 1.0);
  EXPECT_THAT(test::error_of([&] { scorer.compare(bad, scorer.score(samples(1, 2)), {}); }),
              HasSubstr("expected 60 pairs in both, got 2"));
}

TEST(Scorer, RefusesImpossibleBootstraps) {
  Scorer scorer({});
  const auto table = scorer.score(samples(1, 2));
  EXPECT_THAT(test::error_of([&] { scorer.intervals(table, {.resamples = 0}); }),
              HasSubstr("at least 1 resample"));
  EXPECT_THAT(test::error_of([&] { scorer.intervals(table, {.confidence = 1.0}); }),
              HasSubstr("above 0 and below 1"));
}

}  // namespace
}  // namespace ccexpert::eval

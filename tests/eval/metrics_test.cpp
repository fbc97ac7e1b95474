// Corner cases and uses of metrics that the golden pairs do not cover.
#include <cmath>

#include <gtest/gtest.h>

#include <ccexpert/eval/metrics.h>

namespace ccexpert::eval {
namespace {

CaptionedPair sample(const std::string& prediction, const std::vector<std::string>& references,
                     std::optional<bool> changed = {}) {
  return {.uid = prediction, .prediction = prediction, .references = references, .changed = changed};
}

double only(Metric& metric, const CaptionedPair& each) {
  metric.add(each);
  return metric.value().back();
}

TEST(Metrics, WithoutSamplesAreNan) {
  for (const auto& metric : {make_bleu(), make_rouge_l()}) {
    for (const double value : metric->value()) EXPECT_TRUE(std::isnan(value));
  }
}

TEST(Metrics, ResetForgets) {
  const auto metric = make_cider_d();
  metric->add(sample("a road", {"a road"}));
  metric->add(sample("a house", {"a tree"}));
  const auto fresh = make_cider_d();
  metric->reset();
  for (auto* each : {metric.get(), fresh.get()}) {
    each->add(sample("one two three", {"one two four"}));
    each->add(sample("five", {"five six"}));
  }
  EXPECT_EQ(metric->value(), fresh->value());
}

TEST(Metrics, EmptyPredictionsScoreNothing) {
  EXPECT_LT(only(*make_bleu(), sample("", {"a road"})), 1e-6);
  EXPECT_EQ(only(*make_rouge_l(), sample("", {"a road"})), 0.0);
  EXPECT_EQ(only(*make_cider_d(), sample("", {"a road"})), 0.0);
  EXPECT_EQ(only(*make_cider(), sample("", {"a road"})), 0.0);
}

TEST(Metrics, RougeCountsBlanksAtTheEndsAsTheReferenceDoes) {
  // The reference's leading space is an empty word, which an empty prediction also has.
  EXPECT_GT(only(*make_rouge_l(), sample("", {" a road "})), 0.0);
  EXPECT_LT(only(*make_rouge_l(), sample("a road", {" a road"})), 1.0);
}

TEST(Metrics, BleuTakesTheClosestReferenceLengthAndOfTwoTheShorter) {
  // Three words; references of two and four words are equally close: two is used, so there is no penalty.
  const auto bleu = make_bleu();
  bleu->add(sample("a b c", {"a b", "a b c d"}));
  EXPECT_NEAR(bleu->value().front(), 1.0, 1e-6);
}

TEST(Metrics, BleuClipsRepeatedWords) {
  const auto bleu = make_bleu();
  bleu->add(sample("the the the the", {"the cat", "the the"}));
  EXPECT_NEAR(bleu->value().front(), 0.5, 1e-6);
}

TEST(Metrics, CiderDependsOnTheOtherPairs) {
  const auto alone = make_cider_d(), two = make_cider_d();
  alone->add(sample("a road", {"a road"}));
  EXPECT_EQ(alone->value().front(), 0.0);  // every word occurs in all references of the only pair
  two->add(sample("a road", {"a road"}));
  two->add(sample("b tree", {"c house"}));
  // Two orders of n-grams exist and match completely; the other pair scores 0.
  EXPECT_NEAR(two->value().front(), 10.0 * 2 / 4 / 2, 1e-9);
}

TEST(Metrics, PlainCiderNeitherClipsNorPenalisesLength) {
  const std::vector<CaptionedPair> samples{sample("road road road road", {"road"}), sample("x", {"y"})};
  const auto plain = make_cider(), clipped = make_cider_d();
  for (const auto& each : samples) {
    plain->add(each);
    clipped->add(each);
  }
  EXPECT_NEAR(plain->value().front(), 10.0 / 4 / 2, 1e-9);
  EXPECT_LT(clipped->value().front(), plain->value().front() / 3);
}

TEST(Metrics, ChangeAccuracyCountsOnlyPairsThatAreKnown) {
  const auto metric = make_change_accuracy({"there is no difference"});
  metric->add(sample("  there is  no difference ", {"x"}, false));
  metric->add(sample("there is no difference", {"x"}, true));
  metric->add(sample("a road is built", {"x"}, true));
  metric->add(sample("a road is built", {"x"}, false));
  metric->add(sample("a road is built", {"x"}));
  EXPECT_DOUBLE_EQ(metric->value().front(), 0.5);
  metric->reset();
  metric->add(sample("a road is built", {"x"}));
  EXPECT_TRUE(std::isnan(metric->value().front()));
}

TEST(Metrics, ScoresOneReferenceAndMany) {
  const auto metric = make_bleu();
  metric->add(sample("a road is built here", {"a road is built here"}));
  metric->add(sample("one two three four", {"x", "y", "one two three four", "z", "u", "v", "w"}));
  for (const double value : metric->value()) EXPECT_NEAR(value, 1.0, 1e-6);
}

}  // namespace
}  // namespace ccexpert::eval

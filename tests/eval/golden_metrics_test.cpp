// Comparison of every metric with the reference's values, pair by pair.
#include "eval/golden_metrics.h"

#include <cmath>
#include <iterator>
#include <sstream>
#include <tuple>

#include <gtest/gtest.h>

#include <ccexpert/eval/meteor.h>
#include <ccexpert/eval/metrics.h>

namespace ccexpert::eval {
namespace {

constexpr const char* kNoTables = "METEOR's tables are not installed: run scripts/setup.sh";

bool has_meteor_tables() {
  return std::filesystem::exists(MeteorData::default_folder() / "paraphrase-en.gz");
}

/// Converts the original's line of statistics to a row: a fully matched pair has one chunk there but counts
/// none here.
std::vector<double> parse_statistics(const std::string& line) {
  std::istringstream text(line);
  std::vector<double> row{std::istream_iterator<double>(text), {}};
  if (row[20] == 1.0 && row[21] == row[0] && row[22] == row[1]) row[20] = 0.0;
  return row;
}

/// Adds all pairs and compares every pair's value and the corpus value with the reference's `key`.
void expect_golden(Metric& metric, const std::string& key) {
  const auto golden = test::golden_metrics();
  const auto samples = test::golden_samples();
  for (const auto& sample : samples) metric.add(sample);
  const auto rows = metric.statistics();
  ASSERT_EQ(rows.size(), golden["per_pair"].size());
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(samples[i].uid, golden["per_pair"][i]["uid"].get<std::string>());
    EXPECT_NEAR(metric.from_sums(rows[i]).front(), golden["per_pair"][i][key].get<double>(), 1e-6)
        << samples[i].uid;
  }
  EXPECT_NEAR(metric.value().front(), golden["corpus"][key].get<double>(), 1e-6);
}

TEST(GoldenMetrics, RougeL) {
  expect_golden(*make_rouge_l(), "ROUGE_L");
}

TEST(GoldenMetrics, CiderD) {
  expect_golden(*make_cider_d(), "CIDEr_D");
}

TEST(GoldenMetrics, Meteor) {
  if (!has_meteor_tables()) GTEST_SKIP() << kNoTables;
  const auto metric = make_meteor(MeteorData::open(MeteorData::default_folder()));
  expect_golden(*metric, "METEOR");
  const auto rows = metric->statistics();
  const auto golden = test::golden_metrics();
  for (size_t i = 0; i < rows.size(); ++i)
    EXPECT_EQ(rows[i], parse_statistics(golden["per_pair"][i]["meteor_stats"]))
        << golden["per_pair"][i]["uid"];
}

TEST(GoldenMetrics, SingleMeteorCases) {
  if (!has_meteor_tables()) GTEST_SKIP() << kNoTables;
  const auto metric = make_meteor(MeteorData::open(MeteorData::default_folder()));
  const auto cases = test::golden_metrics()["meteor_cases"];
  ASSERT_EQ(cases.size(), 34u);
  for (const auto& each : cases) {
    metric->reset();
    metric->add({.uid = "one", .prediction = each["hypothesis"], .references = each["references"]});
    EXPECT_EQ(metric->statistics().front(), parse_statistics(each["stats"])) << each;
    EXPECT_NEAR(metric->value().front(), each["score"].get<double>(), 1e-6) << each;
  }
}

TEST(GoldenMetrics, MeteorRanksAlignmentsByTheWeightsOfItsAligner) {
  if (!has_meteor_tables()) GTEST_SKIP() << kNoTables;
  const auto metric = make_meteor(MeteorData::open(MeteorData::default_folder()));
  // Values of the original's jar: each pair has a candidate paraphrase of five words or more.
  const std::tuple<const char*, const char*, double> cases[] = {
      {"behalf of our group to", "behalf of my political group", 0.2462},
      {"several candidate countries", "a number of these countries", 0.2629},
      {"the implementing the results", "implementation of the recommendations and", 0.1716},
  };
  for (const auto& [said, expected, value] : cases) {
    metric->reset();
    metric->add({.uid = "one", .prediction = said, .references = {expected}});
    EXPECT_NEAR(metric->value().front(), value, 1e-4) << said;
  }
}

TEST(GoldenMetrics, Bleu) {
  const auto metric = make_bleu();
  for (const auto& sample : test::golden_samples()) metric->add(sample);
  const auto expected = test::golden_metrics()["corpus"]["BLEU"];
  const auto values = metric->value();
  ASSERT_EQ(values.size(), expected.size());
  for (size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i].get<double>(), 1e-6);
}

}  // namespace
}  // namespace ccexpert::eval

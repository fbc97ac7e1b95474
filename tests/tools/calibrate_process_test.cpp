// Process tests of ccexpert-eval --calibrate and of change scores in reports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/image/decode.h>

#include "core/change_calibration.h"
#include "core/files.h"
#include "support/files.h"
#include "support/temporary_folder.h"
#include "tools/process.h"

namespace ccexpert::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// Predictions of 40 pairs, half of them changed; the raw score tells them apart but for one of each kind.
class Calibrate : public ::testing::Test {
 protected:
  void SetUp() override {
    write_mask("mask.png", true);
    std::string lines, truths;
    for (int i = 0; i < 40; ++i) {
      const bool changed = i % 2 == 1, odd = i < 2;
      const double raw = (changed != odd ? 0.6 : 0.1) + 0.002 * i;
      lines +=
          fmt::format(
              R"({{"uid": "{0}", "before": "a", "after": "b", "caption": "{3}", "change_score": {1}, "change_raw": {1}, "change_map": {{"grid": 2, "values": [0.9, 0.3, 0.3, 0.1]}}, "unsure": {2}}})",
              i, raw, odd, changed != odd ? "a house" : "no change has occurred .") +
          "\n";
      truths += fmt::format(R"({{"uid": "{0}", "change_flag": {1}, "change_caption": ["{2}"]{3}}})", i,
                            changed ? 1 : 0, changed ? "a house" : "no change has occurred .",
                            changed ? R"(, "mask_path": "mask.png")" : "") +
                "\n";
    }
    predictions_ = folder_.write("said.jsonl", lines).string();
    references_ = folder_.write("truth.jsonl", truths).string();
  }

  /// Writes a mask of 8 x 8 pixels whose top left quarter is changed.
  void write_mask(const std::string& name, bool quarter) const {
    image::Image mask{8, 8, std::vector<uint8_t>(192, 0)};
    for (size_t y = 0; y < 4 && quarter; ++y)
      std::fill_n(mask.pixels.begin() + static_cast<long>(24 * y), 12, 255);
    image::write_png(folder_ / name, mask.view());
  }
  static ProcessResult run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), CCEXPERT_EVAL);
    return run_process(arguments);
  }

  TemporaryFolder folder_;
  std::string predictions_, references_;
};

TEST_F(Calibrate, WritesAFileThatModelsRead) {
  const auto file = folder_ / kChangeScoreFile;
  const auto result =
      run({"--calibrate", predictions_, "--references", references_, "--output", file.string()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, AllOf(HasSubstr("on 40 pairs"), HasSubstr("uncalibrated"), HasSubstr("isotonic"),
                                HasSubstr("with 20 masks")));
  const auto fit = parse_change_calibration(read_file(file), "file");
  EXPECT_EQ(fit.pairs, 40);
  EXPECT_EQ(fit.masks, 20);
  EXPECT_LT(fit.probability(0.1), 0.2);
  EXPECT_GT(fit.probability(0.7), 0.8);
  EXPECT_GT(fit.threshold, 0.3) << "larger than the other patches";
  EXPECT_LE(fit.threshold, 0.9);
}

TEST_F(Calibrate, ReportsHaveTheQualityOfScores) {
  const auto page = folder_ / "report.html";
  const auto result = run(
      {predictions_, "--references", references_, "--no-meteor", "--no-bootstrap", "--html", page.string()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("change scores of 40 pairs: area under the curve 0.9"),
                                HasSubstr("wrong: 5.00 % of all"),
                                HasSubstr("captions sure of a change or of none: 95.0 % of 40 pairs; wrong: "
                                          "0.00 % of these, 100.00 % of the unsure ones, 5.00 % of all")));
  EXPECT_THAT(content(page), AllOf(HasSubstr("<h2>change scores</h2>"), HasSubstr("Risk against coverage")));
}

TEST_F(Calibrate, RefusesPredictionsWithoutScoresAndOptionsOfScores) {
  const auto plain = folder_.write("plain.jsonl", R"({"uid": "1", "pred": "a house"})").string();
  const auto none = run({"--calibrate", plain, "--references", references_});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.err, HasSubstr("expected change_score in its lines, and change flags, got none "
                                  "(ccexpert-caption --locate writes it)"));
  const auto scores = run({"--calibrate", predictions_, "--html", "x.html"});
  EXPECT_EQ(scores.exit_code, 2);
  EXPECT_THAT(scores.err, HasSubstr("--calibrate: expected without options of scores"));
}

TEST_F(Calibrate, RefusesPairsWithoutAPrediction) {
  auto lines = content(predictions_);
  lines.erase(0, lines.find('\n') + 1);
  const auto some = folder_.write("some.jsonl", lines).string();
  const auto file = folder_ / kChangeScoreFile;
  const auto result = run({"--calibrate", some, "--references", references_, "--output", file.string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err,
              HasSubstr(some + ": expected a prediction of each pair with references, got none of 1 (0)"));
  EXPECT_FALSE(is_there(file));
}

TEST_F(Calibrate, RefusesRepeatedPairs) {
  const auto result = run({"--calibrate", predictions_, "--references", references_, "--repeats", "each"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--calibrate: expected --repeats once, got each"));
}

TEST_F(Calibrate, RefusesMapsWithoutTheirValues) {
  const auto bad =
      folder_
          .write(
              "bad.jsonl",
              R"({"uid": "1", "pred": "a", "change_score": 0.5, "change_map": {"grid": 2, "values": [1]}})")
          .string();
  const auto result = run({bad, "--references", references_});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("change_map: values: expected a list of 2 x 2 numbers"));
}

}  // namespace
}  // namespace ccexpert::test

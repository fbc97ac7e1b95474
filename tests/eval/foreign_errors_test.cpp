// Exhausted memory leaves the room as an Error, wherever it happens.
#include <gtest/gtest.h>

#include <ccexpert/eval/metrics.h>
#include <ccexpert/eval/scorer.h>

#include "eval/shared/caption_files.h"
#include "support/scarce_memory.h"
#include "support/temporary_folder.h"

namespace ccexpert::eval {
namespace {

using test::expect_errors_without_memory;

TEST(ForeignErrorsOfEval, AFileThatDoesNotFitIsAnError) {
  const test::TemporaryFolder folder;
  const std::string list = R"([{"uid": "a", "pred": "a road", "change_caption": ["a road", "a path"]}])";
  const auto file = folder.write("p.json", list + std::string(2000, ' '));
  EXPECT_GT(expect_errors_without_memory([&] { read_predictions(file); }), 0);
  EXPECT_GT(expect_errors_without_memory([&] { read_references(file); }), 0);
  const std::vector<CaptionEntry> entries(40, read_predictions(file).front());
  const std::vector<std::string> unchanged;
  EXPECT_GT(expect_errors_without_memory([&] { evaluation_set(entries, {}, unchanged, Repeats::kEach); }), 0);
}

TEST(ForeignErrorsOfEval, ScoresThatDoNotFitAreAnError) {
  const std::vector<CaptionedPair> samples{
      {.uid = "a", .prediction = std::string(2000, 'x'), .references = {"a road", "a path"}},
      {.uid = "b", .prediction = "x", .references = {"no change"}}};
  Scorer scorer({});
  EXPECT_GT(expect_errors_without_memory([&] { scorer.score(samples); }), 0);
  const auto table = scorer.score(samples);
  const BootstrapOptions options{.resamples = 200};
  EXPECT_GT(expect_errors_without_memory([&] { scorer.intervals(table, options); }), 0);
  EXPECT_GT(expect_errors_without_memory([&] { scorer.compare(table, table, options); }), 0);
}

}  // namespace
}  // namespace ccexpert::eval

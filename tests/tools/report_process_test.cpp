// Process tests of ccexpert-caption with --report and --series, and a small real model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "support/files.h"
#include "support/paths.h"
#include "support/temporary_folder.h"
#include "tools/fake_model.h"
#include "tools/killed_process.h"
#include "tools/process.h"

namespace ccexpert::test {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

std::vector<std::string> command(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {CCEXPERT_CAPTION, "--model",
                                       std::string(kTestData) + "/checkpoint-tiny", "--threads", "1"});
  return arguments;
}

/// Writes `count` images of different greys into a folder.
void write_images(const std::filesystem::path& folder, int count, int first) {
  for (int i = 0; i < count; ++i)
    write_image(folder / fmt::format("{:03}.png", i), static_cast<uint8_t>(first + i), 40, 60);
}

const std::string kEntry = "class=\"entry\"";

size_t entries_of(const std::string& page) {
  size_t count = 0;
  for (auto at = page.find(kEntry); at != std::string::npos; at = page.find(kEntry, at + 1)) ++count;
  return count;
}

/// Returns where the entry in the middle of a page begins.
size_t middle_of(const std::string& page) {
  size_t at = 0;
  for (size_t i = 0; i <= entries_of(page) / 2; ++i) at = page.find(kEntry, at + 1);
  return at;
}

class ReportOf : public ::testing::TestWithParam<std::vector<std::string>> {
 protected:
  ReportOf() {
    write_images(folder_ / "A", 20, 0);
    write_images(folder_ / "B", 20, 100);
    for (const char* place : {"1", "2", "3", "4", "5", "6", "7"})
      write_images(folder_ / "places" / place, 3, 30 * (place[0] - '0'));
  }
  /// Returns the command with its output and its page.
  std::vector<std::string> to(const std::string& name) const {
    auto arguments = GetParam();
    for (auto& each : arguments) {
      if (each == "A" || each == "B" || each == "places") each = folder_ / each;
    }
    arguments.insert(arguments.end(), {"--format", "jsonl", "--batch-size", "1", "--output", folder_ / name,
                                       "--report", folder_ / (name + ".html")});
    return command(arguments);
  }
  TemporaryFolder folder_;
};
INSTANTIATE_TEST_SUITE_P(Inputs, ReportOf,
                         ::testing::Values(std::vector<std::string>{"--before", "A", "--after", "B",
                                                                    "--locate", "--words"},
                                           std::vector<std::string>{"--series", "places"}));

TEST_P(ReportOf, AKilledRunLeavesNoPageAndAResumedOneTheWhole) {
  ASSERT_EQ(run_process(to("whole")).exit_code, 0);
  const auto whole = content(folder_ / "whole.html");
  EXPECT_GE(entries_of(whole), 20U);
  // The part of the page grows with the captions.
  run_until_size(to("cut"), middle_of(whole));
  const auto left = content(folder_ / "cut");
  EXPECT_GT(left.size(), 500U);
  EXPECT_LT(left.size(), content(folder_ / "whole").size());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "cut.html"));
  auto resumed = to("cut");
  resumed.push_back("--resume");
  ASSERT_EQ(run_process(resumed).exit_code, 0);
  EXPECT_EQ(content(folder_ / "cut"), content(folder_ / "whole"));
  EXPECT_EQ(content(folder_ / "cut.html"), whole);
  // The part of the page that the killed run left is gone.
  for (const auto& each : std::filesystem::directory_iterator(folder_.path()))
    EXPECT_EQ(each.path().string().find(".tmp"), std::string::npos) << each.path();
}

TEST(ReportProcess, OfOnePairAndOfOneThatIsAlreadyCaptioned) {
  const TemporaryFolder folder;
  write_images(folder / "A", 2, 50);
  const auto arguments = command({"--format", "jsonl", "--output", folder / "o", "--resume", "--report",
                                  folder / "r.html", folder / "A/000.png", folder / "A/001.png"});
  ASSERT_EQ(run_process(arguments).exit_code, 0);
  const auto page = content(folder / "r.html");
  EXPECT_EQ(entries_of(page), 1U);
  std::filesystem::remove(folder / "r.html");
  ASSERT_EQ(run_process(arguments).exit_code, 0);
  EXPECT_EQ(content(folder / "r.html"), page);
}

TEST(ReportProcess, APairThatFailsIsACardWithItsError) {
  const TemporaryFolder folder;
  write_images(folder / "A", 2, 50);
  write_images(folder / "B", 2, 90);
  folder.write("B/001.png", "no <image>");
  const auto result = run_process(
      command({"--before", folder / "A", "--after", folder / "B", "--report", folder / "r.html"}));
  EXPECT_EQ(result.exit_code, 3);
  const auto page = content(folder / "r.html");
  EXPECT_EQ(entries_of(page), 2U);
  EXPECT_THAT(page, HasSubstr("\"error\":\""));
}

TEST(ReportProcess, AFileThatCannotBeWrittenStopsTheRunBeforeItBegins) {
  const TemporaryFolder folder;
  write_images(folder / "A", 2, 50);
  const auto result = run_process(command({"--series", folder / "A", "--format", "jsonl", "--output",
                                           folder / "o", "--report", folder / "none/r.html"}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.err, "ccexpert-caption: " + (folder / "none/r.html").string() +
                            ": cannot be written (No such file or directory)\n");
  EXPECT_FALSE(std::filesystem::exists(folder / "o"));
}

TEST(SeriesProcess, EachDateIsEncodedOnce) {
  const TemporaryFolder folder;
  write_images(folder / "A", 11, 20);
  const auto result =
      run_process(command({"--series", folder / "A", "--format", "jsonl", "--output", folder / "o",
                           "--batch-size", "4", "--timings-file", folder / "t.json"}));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const auto timings = json::parse(content(folder / "t.json"));
  EXPECT_GE(timings.at("pairs"), 11);
  EXPECT_EQ(timings.at("encoded_images"), 11);
}

TEST(SeriesProcess, AWrongInputIsOneSentence) {
  const TemporaryFolder folder;
  write_images(folder / "A", 1, 20);
  const auto result = run_process(command({"--series", folder / "A"}));
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.err, "ccexpert-caption: " + (folder / "A").string() +
                            ": expected at least two images of a place, got at most one of A\n");
}

}  // namespace
}  // namespace ccexpert::test

// Process tests of ccexpert-watch with a small real model.
#include <filesystem>
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "geo/demo_scene.h"
#include "support/files.h"
#include "support/paths.h"
#include "support/temporary_folder.h"
#include "tools/killed_process.h"
#include "tools/process.h"
#include "watch/watch_options.h"

namespace ccexpert::test {
namespace {

using ::testing::HasSubstr;

const std::string kModel = std::string(kTestData) + "/checkpoint-tiny";

class WatchProcess : public ::testing::Test {
 protected:
  WatchProcess() {
    for (int year = 2018; year < 2021; ++year)
      write_demo(folder_ / "scenes" / (std::to_string(year) + ".tif"),
                 year % 2 == 0 ? "before.png" : "after.png");
  }

  std::vector<std::string> command(const std::string& output, std::vector<std::string> more) const {
    std::vector<std::string> arguments{CCEXPERT_WATCH_PROGRAM,
                                       (folder_ / "scenes").string(),
                                       "-o",
                                       (folder_ / output).string(),
                                       "--model",
                                       kModel,
                                       "--all",
                                       "--tile",
                                       "64",
                                       "-b",
                                       "1",
                                       "--settle",
                                       "0"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  std::string feed(const std::string& output) const { return content(folder_ / output / "alerts.geojson"); }

  /// Returns a condition: a file has a text.
  std::function<bool()> says(const std::string& file, const std::string& text) const {
    return [path = folder_ / file, text] { return content(path).find(text) != std::string::npos; };
  }

  TemporaryFolder folder_;
};

TEST_F(WatchProcess, AKilledWatchGoesOnWithoutRepeats) {
  write_scene(folder_ / "scenes/2018.tif", {});
  const auto whole = run_process(command("whole", {"--once"}));
  EXPECT_EQ(whole.exit_code, 0) << whole.err;
  EXPECT_THAT(whole.err, HasSubstr("2020.tif against 2019.tif: "));
  EXPECT_THAT(feed("whole"), HasSubstr("\"caption\""));
  const auto journal = folder_ / "cut/maps/0002-2020.geojson.journal";
  // A tile has about 12,600 bytes in a journal: the first map has one tile, the second one sixteen.
  run_until_size(command("cut", {}), 100'000);
  ASSERT_GT(std::filesystem::file_size(journal), 80'000U);
  EXPECT_THAT(feed("cut"), HasSubstr("2019.tif"));
  EXPECT_LT(feed("cut").size(), feed("whole").size());
  const auto rest = run_process(command("cut", {"--once"}));
  EXPECT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_THAT(rest.err, HasSubstr("1 maps, "));
  EXPECT_EQ(feed("cut"), feed("whole"));
  EXPECT_FALSE(std::filesystem::exists(journal));
}

TEST_F(WatchProcess, EndsCleanlyAfterSigterm) {
  Process process(command("out", {"--interval", "1"}));
  wait_until(process, says("out/watch.jsonl", "2020.tif"));
  process.signal(SIGTERM);
  const auto result = process.wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("2 maps, "));
  EXPECT_EQ(run_process(command("out", {"--once", "-q"})).err, "");
}

TEST(WatchOptions, WrongArgumentsAreOneSentence) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{}, "input: expected a folder or a STAC catalogue, got none"},
      {{"scenes"}, "--output: expected a folder, got none"},
      {{"scenes", "-o", "x", "--interval", "0"}, "--interval: expected at least 1, got 0"},
      {{"scenes", "-o", "x", "--settle", "-1"}, "--settle: expected at least 0, got -1"},
      {{"scenes", "-o", "x", "--webhook-attempts", "0"}, "--webhook-attempts: expected at least 1, got 0"},
      {{"scenes", "-o", "x", "--bands", "1,2"}, "--bands: expected one or three, got 2"}};
  for (const auto& [arguments, sentence] : cases) {
    std::vector<const char*> words{"ccexpert-watch"};
    for (const auto& argument : arguments) words.push_back(argument.c_str());
    const auto parsed = tools::parse_watch_command(static_cast<int>(words.size()), words.data());
    EXPECT_EQ(parsed.exit_code, 2);
    EXPECT_THAT(parsed.text, HasSubstr(sentence));
    EXPECT_EQ(std::ranges::count(parsed.text, '\n'), 1) << parsed.text;
  }
}

}  // namespace
}  // namespace ccexpert::test

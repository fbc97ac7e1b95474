// Process tests of ccexpert-watch and of ccexpert-map --series with a small real model.
#include <chrono>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/image/decode.h>

#include "geo/scene_files.h"
#include "support/files.h"
#include "support/paths.h"
#include "support/temporary_folder.h"
#include "tools/process.h"
#include "watch/watch_options.h"

namespace ccexpert::test {
namespace {

using ::testing::HasSubstr;

const std::string kModel = std::string(kTestData) + "/checkpoint-tiny";

/// Writes an image of the demo pair as a scene on the ground.
void write_demo(const std::filesystem::path& path, const char* name) {
  const auto image = image::decode_image(std::string(kSourceDir) + "/docs/images/demo/" + name);
  const auto width = static_cast<int>(image.width);
  std::filesystem::create_directories(path.parent_path());
  write_scene(
      path, {.width = width, .height = static_cast<int>(image.height), .value = [&](int x, int y, int band) {
               return static_cast<double>(image.pixels[static_cast<size_t>(3 * (y * width + x) + band)]);
             }});
}

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

  /// Waits until a file has a text.
  static void wait_for(const std::filesystem::path& file, const std::string& text) {
    for (int i = 0; i < 3000 && content(file).find(text) == std::string::npos; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }

  TemporaryFolder folder_;
};

TEST_F(WatchProcess, AKilledWatchGoesOnWithoutRepeats) {
  const auto whole = run_process(command("whole", {"--once"}));
  EXPECT_EQ(whole.exit_code, 0) << whole.err;
  EXPECT_THAT(whole.err, HasSubstr("2020.tif against 2019.tif: "));
  EXPECT_THAT(feed("whole"), HasSubstr("\"caption\""));
  const auto journal = folder_ / "cut/maps/0002-2020.geojson.journal";
  {
    Process process(command("cut", {}));
    wait_for(journal, "\"tile\":2");
    process.signal(SIGKILL);
    process.wait();
  }
  ASSERT_TRUE(std::filesystem::exists(journal));
  EXPECT_LT(feed("cut").size(), feed("whole").size());
  const auto rest = run_process(command("cut", {"--once"}));
  EXPECT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_THAT(rest.err, HasSubstr("1 maps, "));
  EXPECT_EQ(feed("cut"), feed("whole"));
  EXPECT_FALSE(std::filesystem::exists(journal));
}

TEST_F(WatchProcess, EndsCleanlyAfterSigterm) {
  Process process(command("out", {"--interval", "1"}));
  wait_for(folder_ / "out/watch.jsonl", "2020.tif");
  process.signal(SIGTERM);
  const auto result = process.wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr("2 maps, "));
  EXPECT_EQ(run_process(command("out", {"--once", "-q"})).err, "");
}

TEST_F(WatchProcess, ASeriesResumesAfterAKill) {
  const auto arguments = [&](const std::string& output) {
    return std::vector<std::string>{CCEXPERT_MAP_PROGRAM,
                                    "--series",
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
                                    "--resume"};
  };
  EXPECT_EQ(run_process(arguments("whole.gpkg")).exit_code, 0);
  const auto journal = folder_ / "cut.gpkg.journal";
  {
    Process process(arguments("cut.gpkg"));
    wait_for(journal, "\"tile\":2");
    process.signal(SIGKILL);
    process.wait();
  }
  ASSERT_TRUE(std::filesystem::exists(journal));
  const auto rest = run_process(arguments("cut.gpkg"));
  EXPECT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_THAT(rest.err, HasSubstr("tiles are already done"));
  EXPECT_EQ(content(folder_ / "cut.timeline.jsonl"), content(folder_ / "whole.timeline.jsonl"));
  EXPECT_THAT(content(folder_ / "cut.timeline.jsonl"), HasSubstr("\"begin\":\"2018-01-01T00:00:00Z\""));
  EXPECT_FALSE(std::filesystem::exists(journal));
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

// Process tests of ccexpert-map with a small real model.
#include <filesystem>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "geo/demo_scene.h"
#include "map/map_options.h"
#include "support/files.h"
#include "support/paths.h"
#include "support/temporary_folder.h"
#include "tools/killed_process.h"
#include "tools/process.h"

namespace ccexpert::test {
namespace {

using ::testing::HasSubstr;

const std::string kModel = std::string(kTestData) + "/checkpoint-tiny";
const std::string kDemoCaption = "many houses are built along the road .";

ProcessResult map(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {CCEXPERT_MAP_PROGRAM, "--all", "--model", kModel});
  return run_process(arguments);
}

/// Returns a command that writes a map tile by tile and resumes it.
std::vector<std::string> one_by_one(const std::filesystem::path& output,
                                    const std::vector<std::string>& more) {
  std::vector<std::string> arguments{CCEXPERT_MAP_PROGRAM, "--model", kModel, "-o",
                                     output.string(),      "-b",      "1",    "--resume"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

/// Writes both images of the demo pair as scenes, once to the right of themselves.
class MapProcess : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
  std::string before_ = write_demo(folder_ / "before.tif", "before.png", 2);
  std::string after_ = write_demo(folder_ / "after.tif", "after.png", 2);
};

TEST_F(MapProcess, CaptionsTilesAsTheCaptionCommandCaptionsPairs) {
  const auto output = (folder_ / "changes.gpkg").string();
  const auto page = (folder_ / "cards.html").string();
  const auto result = map({before_, after_, "-o", output, "--report", page, "--words"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, HasSubstr("changes.gpkg: 2 tiles captioned, 0 below the threshold, 0 skipped"));
  EXPECT_THAT(captions_of(read_layer(output)), ::testing::ElementsAre(kDemoCaption, kDemoCaption));
  EXPECT_THAT(content(page), HasSubstr("\"words\":[[\"many\","));
  const auto again = map({before_, after_, "-o", output});
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err,
              HasSubstr("changes.gpkg: expected no such file yet, got one (--overwrite replaces it)"));
}

TEST_F(MapProcess, MergesTheShardsOfItsProcesses) {
  const auto output = (folder_ / "changes.geojson").string();
  for (const char* shard : {"1/2", "2/2"})
    EXPECT_EQ(map({before_, after_, "-o", output, "--shard", shard}).exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(output));
  const auto merged = run_process({CCEXPERT_MAP_PROGRAM, "merge", "-o", output});
  EXPECT_EQ(merged.exit_code, 0) << merged.err;
  EXPECT_EQ(read_layer(output).size(), 2U);
}

TEST_F(MapProcess, RanksOfALauncherTakeAShardAndTheLastOneMerges) {
  const auto output = (folder_ / "changes.gpkg").string();
  for (const char* rank : {"1", "0"}) {
    EXPECT_FALSE(std::filesystem::exists(output));
    const auto number = std::string("RANK=") + rank;
    const auto local = std::string("LOCAL_RANK=") + rank;
    const auto result = run_process({"/usr/bin/env", number, local, "WORLD_SIZE=2", "LOCAL_WORLD_SIZE=2",
                                     "MASTER_ADDR=127.0.0.1", "MASTER_PORT=29500", CCEXPERT_MAP_PROGRAM,
                                     "--model", kModel, before_, after_, "-o", output});
    EXPECT_EQ(result.exit_code, 0) << result.err;
  }
  EXPECT_EQ(read_layer(output, "tiles").size(), 2U);
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
    EXPECT_EQ(entry.path().string().find("shard"), std::string::npos) << entry.path();
}

TEST(MapOptions, WrongArgumentsAreOneSentence) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{}, "--output: expected a file to write, got none"},
      {{"-o", "x.gpkg"}, "input: expected two rasters, BEFORE AFTER, got 0"},
      {{"a", "b", "c", "-o", "x.gpkg"}, "input: expected two rasters, BEFORE AFTER, got 3"},
      {{"a", "b", "-o", "x.shp"}, "--output: expected a name that ends in .gpkg"},
      {{"a", "b", "-o", "x.gpkg", "--tile", "1km"},
       "--tile: expected pixels as 256, or metres as 128m, got '1km'"},
      {{"a", "b", "-o", "x.gpkg", "--stretch", "9,1"}, "--stretch: expected auto, none, percentiles"},
      {{"a", "b", "-o", "x.gpkg", "--shard", "3/2"}, "--shard: expected I/N with I from 1 to N, got '3/2'"},
      {{"a", "b", "-o", "x.gpkg", "--bands", "1,2"}, "--bands: expected one or three, got 2"},
      {{"a", "b", "-o", "x.gpkg", "--min-valid", "2"}, "--min-valid: expected 0 to 1, got 2"},
      {{"a", "b", "-o", "x.gpkg", "--words"}, "--words: expected with --report, got none"},
      {{"a", "b", "-o", "x.gpkg", "--resume", "--overwrite"},
       "output: expected --resume or --overwrite, got both"}};
  for (const auto& [arguments, sentence] : cases) {
    std::vector<const char*> words{"ccexpert-map"};
    for (const auto& argument : arguments) words.push_back(argument.c_str());
    const auto parsed = tools::parse_map_command(static_cast<int>(words.size()), words.data());
    EXPECT_EQ(parsed.exit_code, 2);
    EXPECT_THAT(parsed.text, HasSubstr(sentence));
    EXPECT_EQ(std::ranges::count(parsed.text, '\n'), 1) << parsed.text;
  }
  const auto missing = map({"/none.tif", "/none.tif", "-o", "/tmp/ccexpert-none.gpkg"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.err, HasSubstr("ccexpert-map: /none.tif: cannot be opened as a raster"));
}

/// Returns the tiles of a journal, line by line, without a line that a kill cut.
std::vector<int64_t> tiles_in(const std::filesystem::path& journal) {
  std::vector<int64_t> tiles;
  std::istringstream lines(content(journal));
  for (std::string line; std::getline(lines, line) && !lines.eof();) {
    const auto json = nlohmann::json::parse(line);
    if (!json.contains("format")) tiles.push_back(json["tile"].get<int64_t>());
  }
  return tiles;
}

TEST_F(MapProcess, DoesNoTileTwiceAfterKills) {
  const TemporaryFolder other;
  const auto command = [&](const std::filesystem::path& output, const char* shard) {
    return one_by_one(output, {before_, after_, "--tile", "32", "--threads", "1", "--shard", shard});
  };
  const auto whole = folder_ / "changes.gpkg";
  EXPECT_EQ(run_process(command(whole, "1/1")).exit_code, 0);
  const auto output = other / "changes.gpkg";
  // The journal of a shard stays after its last tile.
  const auto journal = other / "changes.gpkg.shard-1-of-2";
  // A line has about 12,600 bytes; each kill cuts one.
  for (const size_t tiles : {0U, 2U, 6U}) {
    run_until_size(command(output, "1/2"), 10'000 + 12'600 * tiles);
    ASSERT_EQ(tiles_in(journal).size(), tiles);
  }
  for (const char* shard : {"1/2", "2/2"}) EXPECT_EQ(run_process(command(output, shard)).exit_code, 0);
  EXPECT_THAT(tiles_in(journal), ::testing::SizeIs(64)) << "each tile once";
  EXPECT_EQ(run_process({CCEXPERT_MAP_PROGRAM, "merge", "-o", output.string()}).exit_code, 0);
  for (const char* layer : {"tiles", "changes"}) {
    const auto expected = read_layer(whole, layer);
    const auto features = read_layer(output, layer);
    EXPECT_EQ(captions_of(features), captions_of(expected));
    for (size_t i = 0; i < std::min(features.size(), expected.size()); ++i) {
      EXPECT_EQ(features[i].wkt, expected[i].wkt);
      EXPECT_EQ(features[i].area, expected[i].area);
    }
  }
  EXPECT_EQ(content(other / "changes.summary.json"), content(folder_ / "changes.summary.json"));
}

TEST_F(MapProcess, ResumesAfterAKill) {
  const auto output = (folder_ / "changes.gpkg").string();
  const auto arguments = one_by_one(output, {before_, after_, "--tile", "32"});
  const auto journal = folder_ / "changes.gpkg.journal";
  run_until_size(arguments, 50'000);
  ASSERT_TRUE(std::filesystem::exists(journal));
  const auto done = tiles_in(journal).size();
  ASSERT_GT(done, 0U);
  const auto result = run_process(arguments);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.err, HasSubstr(std::to_string(done) + " tiles are already done"));
  EXPECT_EQ(read_layer(output).size(), 128U);
  EXPECT_FALSE(std::filesystem::exists(journal));
}

TEST_F(MapProcess, ASeriesResumesAfterAKill) {
  for (const char* year : {"2018", "2019", "2020"})
    write_demo(folder_ / "scenes" / (std::string(year) + ".tif"),
               year[3] == '9' ? "after.png" : "before.png");
  const auto arguments = [&](const std::string& output) {
    return one_by_one(folder_ / output, {"--series", (folder_ / "scenes").string(), "--all", "--tile", "64"});
  };
  EXPECT_EQ(run_process(arguments("whole.gpkg")).exit_code, 0);
  const auto journal = folder_ / "cut.gpkg.journal";
  run_until_size(arguments("cut.gpkg"), 500'000);
  ASSERT_TRUE(std::filesystem::exists(journal));
  ASSERT_GT(tiles_in(journal).size(), 0U);
  const auto rest = run_process(arguments("cut.gpkg"));
  EXPECT_EQ(rest.exit_code, 0) << rest.err;
  EXPECT_THAT(rest.err, HasSubstr("tiles are already done"));
  EXPECT_EQ(content(folder_ / "cut.timeline.jsonl"), content(folder_ / "whole.timeline.jsonl"));
  EXPECT_THAT(content(folder_ / "cut.timeline.jsonl"), HasSubstr("\"begin\":\"2018-01-01T00:00:00Z\""));
  EXPECT_FALSE(std::filesystem::exists(journal));
}

}  // namespace
}  // namespace ccexpert::test

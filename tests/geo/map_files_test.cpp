// Journals, shards and files of a map.
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "geo/map_fixture.h"
#include "geo/scene_files.h"
#include "support/errors.h"
#include "support/files.h"
#include "support/temporary_folder.h"

namespace ccexpert::geo {
namespace {

using namespace test;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

class MapFiles : public Map {};

TEST_F(MapFiles, ResumesAfterAnyInterruption) {
  write();
  options_.batch = 1;
  map();
  const auto whole = read_layer(options_.output);
  const auto whole_summary = content(folder_ / "changes.summary.json");
  for (const int done : {0, 1, 3}) {
    const TemporaryFolder other;
    auto options = options_;
    options.output = other / "changes.gpkg";
    std::stop_source stop;
    auto model = grey_model();
    int left = done;
    const auto caption = model.caption;
    model.caption = [&](std::span<const ImagePair> pairs) {
      if (left-- == 0) stop.request_stop();
      return caption(pairs);
    };
    EXPECT_TRUE(map_scene(options, model, {}, stop.get_token()).interrupted);
    EXPECT_FALSE(std::filesystem::exists(options.output));
    // A kill may leave half of a line.
    std::ofstream(other / "changes.gpkg.journal", std::ios::app) << R"({"tile": 3, "capt)";
    EXPECT_THAT(error_of([&] { map_scene(options, grey_model()); }),
                HasSubstr("--resume continues that run"));
    options.resume = true;
    int calls = 0;
    const auto counts = map_scene(options, grey_model(&calls));
    EXPECT_EQ(calls, 4 - done);
    EXPECT_EQ(counts.resumed, done);
    EXPECT_EQ(captions_of(read_layer(options.output)), captions_of(whole));
    EXPECT_EQ(content(other / "changes.summary.json"), whole_summary);
  }
}

TEST_F(MapFiles, ResumesOnlyTheSameMap) {
  write();
  std::stop_source stop;
  stop.request_stop();
  map_scene(options_, grey_model(), {}, stop.get_token());
  options_.resume = true;
  options_.settings = "another model";
  EXPECT_THAT(error_of([&] { map(); }),
              HasSubstr("expected a journal of the same inputs, options and model"));
  options_.settings = "";
  options_.tile = {16.0};
  EXPECT_THAT(error_of([&] { map(); }),
              HasSubstr("expected a journal of the same inputs, options and model"));
  options_.tile = {32.0};
  EXPECT_EQ(map().captioned, 4);
  EXPECT_EQ(map().tiles, 0) << "a finished map is left as it is";
  options_.settings = "another model";
  EXPECT_THAT(error_of([&] { map(); }), HasSubstr("changes.gpkg: expected no such file yet, got one"));
}

TEST_F(MapFiles, ReplacesFilesOnlyIfAsked) {
  write();
  map();
  EXPECT_THAT(error_of([&] { map(); }),
              HasSubstr("changes.gpkg: expected no such file yet, got one (--overwrite"));
  options_.overwrite = true;
  EXPECT_EQ(map().captioned, 4);
}

TEST_F(MapFiles, ShardsReplaceFilesOnlyIfAsked) {
  write();
  map();
  options_.shard = {1, 2};
  options_.settings = "another model";
  for (const bool resume : {false, true}) {
    options_.resume = resume;
    EXPECT_THAT(error_of([&] { map(); }), HasSubstr("changes.gpkg: expected no such file yet, got one"));
  }
}

TEST_F(MapFiles, ResumesWithOtherFiles) {
  write();
  std::stop_source stop;
  stop.request_stop();
  map_scene(options_, grey_model(), {}, stop.get_token());
  options_.resume = true;
  options_.heatmap = folder_.write("heat.tif", "of another map");
  options_.merge = true;
  EXPECT_THAT(error_of([&] { map(); }), HasSubstr("heat.tif: expected no such file yet, got one"));
  options_.heatmap = "/none/heat.tif";
  EXPECT_THAT(error_of([&] { map(); }), HasSubstr("/none/heat.tif"));
  options_.heatmap = folder_ / "other.tif";
  EXPECT_EQ(map().captioned, 4);
}

TEST_F(MapFiles, AFinishedMapWithoutAFileThatIsAskedForIsRefused) {
  write();
  options_.report = folder_ / "cards.html";
  map();
  options_.resume = true;
  EXPECT_EQ(map().tiles, 0) << "a finished map is left as it is";
  options_.heatmap = folder_ / "heat.tif";
  EXPECT_THAT(error_of([&] { map(); }),
              AllOf(HasSubstr("--heatmap: expected a file that the finished map"),
                    HasSubstr("heat.tif, which is not there (--overwrite makes the map again)")));
  options_.heatmap.clear();
  options_.report = folder_ / "other.html";
  EXPECT_THAT(error_of([&] { map(); }), HasSubstr("--report: expected a file that the finished map"));
}

TEST_F(MapFiles, AFinishedMapStaysJoinedOrNot) {
  write();
  map();
  options_.resume = options_.merge = true;
  EXPECT_THAT(error_of([&] { map(); }),
              AllOf(HasSubstr("--merge: expected a map that was made with it, got"),
                    HasSubstr("made without it (--overwrite makes the map again)")));
  options_.resume = false;
  options_.overwrite = true;
  map();
  options_.overwrite = options_.merge = false;
  options_.resume = true;
  EXPECT_THAT(error_of([&] { map(); }), HasSubstr("--resume: expected --merge, with which"));
  options_.merge = true;
  EXPECT_EQ(map().tiles, 0) << "a finished map is left as it is";
}

TEST_F(MapFiles, AFinishedMapWithoutPixelsHasNoRasterOfChange) {
  options_.heatmap = folder_ / "heat.tif";
  before_.no_data = 100.0;  // its value everywhere
  write();
  testing::internal::CaptureStderr();
  EXPECT_EQ(map().skipped, 4);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("heat.tif: not written, since no tile has enough valid pixels"));
  options_.resume = true;
  EXPECT_EQ(map().tiles, 0) << "a finished map is left as it is";
}

TEST_F(MapFiles, NamesOfRastersMayHaveAnyBytes) {
  write();
  const auto latin = folder_ / "caf\xe9.tif";
  std::filesystem::rename(options_.before, latin);
  options_.before = latin.string();
  EXPECT_EQ(map().captioned, 4);
  EXPECT_THAT(summary()["before"].get<std::string>(), HasSubstr("caf\\xe9.tif"));
}

TEST_F(MapFiles, FilesOfTheMapHaveNamesInUtf8) {
  write();
  options_.heatmap = folder_ / "caf\xe9.tif";
  EXPECT_THAT(error_of([&] { map(); }), HasSubstr("--heatmap: expected a path in UTF-8, got "));
  options_.heatmap.clear();
  options_.report = folder_ / "caf\xe9.html";
  EXPECT_THAT(error_of([&] { map(); }), HasSubstr("--report: expected a path in UTF-8, got "));
}

TEST_F(MapFiles, ResumesWithAnotherReport) {
  write();
  options_.report = folder_ / "cards.html";
  std::stop_source stop;
  stop.request_stop();
  map_scene(options_, grey_model(), {}, stop.get_token());
  options_.resume = true;
  options_.report = folder_.write("mine.html", "of another map");
  EXPECT_THAT(error_of([&] { map(); }), HasSubstr("mine.html: expected no such file yet, got one"));
  EXPECT_EQ(content(options_.report), "of another map");
  options_.report = folder_ / "other.html";
  EXPECT_EQ(map().captioned, 4);
}

TEST_F(MapFiles, RefusesFilesThatTheMapWritesAlready) {
  write();
  options_.overwrite = true;
  options_.output = folder_ / "changes.geojson";
  const auto taken = [](const char* option) {
    return HasSubstr(std::string(option) + ": expected a file that the map does not write already, got ");
  };
  std::filesystem::create_directory(folder_ / "inner");
  for (const char* name : {"changes.geojson", "changes.html", "changes.summary.json",
                           "changes.changes.geojson", "inner/../changes.html"}) {
    options_.report = folder_ / name;
    EXPECT_THAT(error_of([&] { map(); }), taken("--report")) << name;
  }
  EXPECT_THAT(
      error_of([&] { map(); }),
      HasSubstr("changes.html (the page with the overview, which every map has; choose another name)"));
  options_.report = options_.heatmap = folder_ / "heat.tif";
  EXPECT_THAT(error_of([&] { map(); }), taken("--report"));
  EXPECT_THAT(error_of([&] { map(); }), HasSubstr("heat.tif (the raster of --heatmap; choose"));
  options_.report = "";
  options_.heatmap = folder_ / "changes.html";
  EXPECT_THAT(error_of([&] { map(); }), taken("--heatmap"));
  options_.heatmap = "";
  options_.report = folder_ / "cards.html";
  EXPECT_EQ(map().captioned, 4);
}

TEST_F(MapFiles, MergesToFilesApartFromTheReport) {
  write();
  options_.report = folder_ / "cards.html";
  for (const int64_t index : {1, 2}) {
    options_.shard = {index, 2};
    map();
  }
  const std::vector<std::filesystem::path> shards{folder_ / "changes.gpkg.shard-1-of-2",
                                                  folder_ / "changes.gpkg.shard-2-of-2"};
  EXPECT_THAT(error_of([&] { merge_shards(folder_ / "cards.gpkg", shards, true); }),
              HasSubstr("--report: expected a file that the map does not write already"));
  EXPECT_EQ(merge_shards(folder_ / "other.gpkg", shards, false).captioned, 4);
}

TEST_F(MapFiles, LeavesNoLockOfAMerge) {
  before_.width = before_.height = after_.width = after_.height = 512;
  before_.bands = after_.bands = 1;
  options_.tile = {256.0};
  write();
  // A file cut short keeps its header, which is in front, and lacks its last strips.
  std::filesystem::resize_file(options_.after, std::filesystem::file_size(options_.after) / 4 * 3);
  const auto lock = folder_ / "changes.gpkg.merging";
  options_.shard = {1, 2};
  map();
  // The journal of the other shard is not whole yet.
  std::filesystem::copy(folder_ / "changes.gpkg.shard-1-of-2", folder_ / "changes.gpkg.shard-2-of-2");
  std::filesystem::resize_file(folder_ / "changes.gpkg.shard-2-of-2",
                               content(folder_ / "changes.gpkg.shard-2-of-2").find('\n') + 1);
  EXPECT_FALSE(merge_if_last(options_.output, options_.shard));
  EXPECT_FALSE(std::filesystem::exists(lock)) << "of a rank that is not the last one";
  options_.shard = {2, 2};
  options_.overwrite = true;
  map();
  EXPECT_EQ(merge_if_last(options_.output, options_.shard).value().failed, 2);
  EXPECT_FALSE(std::filesystem::exists(lock)) << "after tiles with an error";
}

TEST_F(MapFiles, ReadsAThresholdOfAnotherCalibrationAsAnotherMap) {
  write();
  std::stop_source stop;
  stop.request_stop();
  auto model = grey_model();
  model.changed_from = [] { return std::optional(0.4); };
  map_scene(options_, model, {}, stop.get_token());
  options_.resume = true;
  model.changed_from = [] { return std::optional(0.6); };
  EXPECT_THAT(error_of([&] { map_scene(options_, model); }),
              HasSubstr("expected a journal of the same inputs, options and model"));
}

TEST_F(MapFiles, RefusesASecondRunOnTheSameFile) {
  write();
  options_.overwrite = true;
  options_.batch = 1;
  std::string second;
  auto model = grey_model();
  const auto caption = model.caption;
  model.caption = [&](std::span<const ImagePair> pairs) {
    if (second.empty()) second = error_of([&] { map(); });
    return caption(pairs);
  };
  EXPECT_EQ(map_scene(options_, model).captioned, 4);
  EXPECT_THAT(second, HasSubstr("changes.gpkg.journal: is being written by another process"));
  EXPECT_EQ(captions_of(read_layer(options_.output)).size(), 4U);
}

TEST_F(MapFiles, FailsIfItsJournalIsNotWhole) {
  write();
  const auto journal = folder_ / "changes.gpkg.journal";
  const auto cut = [&](int64_t) { std::filesystem::resize_file(journal, content(journal).find('\n') + 1); };
  EXPECT_THAT(error_of([&] { map_scene(options_, grey_model(), {.done = cut}); }),
              HasSubstr("changes.gpkg.journal: expected 4 tiles, got 0 (--resume does the rest)"));
  EXPECT_FALSE(std::filesystem::exists(options_.output));
  options_.batch = 0;
  options_.output = folder_ / "other.gpkg";
  EXPECT_THAT(error_of([&] { map(); }), HasSubstr("--batch-size: expected at least one tile, got 0"));
}

TEST_F(MapFiles, ShardsMergeToTheWhole) {
  options_.tile = {8.0};
  write();
  map();
  const auto whole = read_layer(options_.output);
  const auto whole_summary = content(folder_ / "changes.summary.json");
  options_.output = folder_ / "parts.gpkg";
  EXPECT_THAT(error_of([&] { merge_shards(options_.output, {}, false); }),
              HasSubstr("expected files of shards beside"));
  for (const int64_t index : {2, 1}) {
    options_.shard = {index, 3};
    map();
  }
  EXPECT_THAT(error_of([&] { merge_shards(options_.output, {}, false); }),
              HasSubstr("shards: expected all 3 of the map, got none for 3/3"));
  options_.shard = {3, 3};
  map();
  EXPECT_EQ(merge_shards(options_.output, {}, false).captioned, 64);
  const auto parts = read_layer(options_.output);
  EXPECT_EQ(captions_of(parts), captions_of(whole));
  for (size_t i = 0; i < parts.size(); ++i) EXPECT_EQ(parts[i].wkt, whole[i].wkt);
  auto expected = json::parse(whole_summary);
  expected["output"] = "parts.gpkg";
  EXPECT_EQ(json::parse(content(folder_ / "parts.summary.json")), expected);
  EXPECT_THAT(error_of([&] { merge_shards(options_.output, {}, false); }),
              HasSubstr("--overwrite replaces it"));
}

}  // namespace
}  // namespace ccexpert::geo

// Watches over folders: new scenes, alerts, areas, kills.
#include <chrono>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "geo/scene_folder.h"
#include "geo/shared/scene_folder.h"
#include "geo/watch_fixture.h"
#include "support/errors.h"

namespace ccexpert::geo {
namespace {

using namespace test;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(WatchTest, MapsEachNewSceneAgainstTheLastOne) {
  draw("2019-05-01.tif", 100);
  draw("2020-05-01.tif", 200);
  draw("2021-05-01.tif", 200);
  auto counts = watch();
  EXPECT_EQ(counts.maps, 2);
  EXPECT_EQ(counts.alerts, 1);
  EXPECT_THAT(alerts(), ElementsAre("2019-05-01.tif 2020-05-01.tif: from 100 to 200"));
  const int captions = captions_;
  EXPECT_EQ(watch().maps, 0);
  EXPECT_EQ(captions_, captions) << "scenes are mapped once";
  draw("2022-05-01.tif", 30);
  EXPECT_EQ(watch().maps, 1);
  EXPECT_THAT(alerts(), ElementsAre("2019-05-01.tif 2020-05-01.tif: from 100 to 200",
                                    "2021-05-01.tif 2022-05-01.tif: from 200 to 30"));
  EXPECT_TRUE(std::filesystem::exists(options_.output / "maps" / "0003-2022-05-01.html"));
}

TEST_F(WatchTest, AnAlertHasChangedGroundDatesAndNumbers) {
  draw("2019-05-01.tif", 100);
  draw("2020-05-01.tif", 200);
  watch();
  const auto alert = json::parse(feed())["features"][0];
  EXPECT_EQ(alert["geometry"]["type"], "MultiPolygon");
  const auto corner = alert["geometry"]["coordinates"][0][0][0];
  EXPECT_NEAR(corner[0].get<double>(), 15.0004, 1e-3) << "longitude of 500032 m in zone 33";
  EXPECT_NEAR(corner[1].get<double>(), 45.15, 1e-2);
  const auto& told = alert["properties"];
  EXPECT_EQ(told["tile"], 1);
  EXPECT_EQ(told["score"], 0.9);
  EXPECT_EQ(told["begin"], "2019-05-01T00:00:00Z");
  EXPECT_EQ(told["end"], "2020-05-01T00:00:00Z");
  EXPECT_NEAR(told["changed_area_m2"].get<double>(), 1024.0, 2.0);
  EXPECT_EQ(told["map"], "maps/0001-2020-05-01.geojson");
  EXPECT_EQ(alert["id"].get<std::string>().size(), 16U);
}

/// Sets a time of change that does not tell that a file has settled: looks must find it unchanged.
void set_late(const std::filesystem::path& file) {
  std::filesystem::last_write_time(file,
                                   std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
}

TEST_F(WatchTest, WaitsForFilesThatGrow) {
  draw("1.tif", 100);
  const auto late = draw("2.tif", 200);
  const auto bytes = content(late);
  const auto copy_to = [&](size_t size) {
    std::ofstream(late, std::ios::binary) << bytes.substr(0, size);
    set_late(late);
  };
  SceneFolder folder(folder_ / "scenes", std::chrono::nanoseconds(1));
  const auto look = [&] { return folder.look([](const std::string&) { return false; }); };
  for (const size_t size : {bytes.size() - 2000, bytes.size()}) {
    copy_to(size);
    const auto found = look();
    EXPECT_TRUE(found.waits);
    EXPECT_EQ(found.scenes.size(), 1U);
    EXPECT_TRUE(found.unready.empty());
  }
  EXPECT_EQ(look().scenes.size(), 2U);
  EXPECT_FALSE(look().waits);
}

TEST_F(WatchTest, ReadsAFolderOnceThatLinksLeadTo) {
  std::filesystem::create_directories(folder_ / "scenes/a");
  draw("a/1.tif", 100);
  std::filesystem::create_directory_symlink(folder_ / "scenes", folder_ / "scenes/a/back");
  std::filesystem::create_directory_symlink(folder_ / "scenes/a", folder_ / "scenes/b");
  std::vector<std::string> names;
  for (const auto& file : raster_files(folder_ / "scenes", true))
    names.push_back(std::filesystem::relative(file, folder_ / "scenes").string());
  EXPECT_EQ(names, std::vector<std::string>{"a/1.tif"});
}

TEST_F(WatchTest, OnceMapsFilesThatMayStillGrowToo) {
  draw("1.tif", 100);
  set_late(draw("2.tif", 200));
  options_.settle = 0.01;
  EXPECT_EQ(watch().maps, 1);
}

TEST_F(WatchTest, LeavesHalfAFileForALaterRun) {
  draw("1.tif", 100);
  const auto late = draw("2.tif", 200);
  const auto bytes = content(late);
  std::ofstream(late, std::ios::binary) << bytes.substr(0, bytes.size() - 2000);
  EXPECT_EQ(watch().failed, 1);
  EXPECT_EQ(notes_, "2.tif: the file is not whole\n1.tif: the first scene of its ground\n");
  std::ofstream(late, std::ios::binary) << bytes;
  EXPECT_EQ(watch().maps, 1);
}

TEST_F(WatchTest, LeavesOutOlderScenesAndComparesTheSameGround) {
  draw("2020-01-01.tif", 100);
  draw("2021-01-01.tif", 100, {.transform = {600000.0, 1.0, 0.0, 5000000.0, 0.0, -1.0}});
  watch();
  draw("2019-01-01.tif", 200);
  draw("2022-01-01.tif", 200);
  EXPECT_EQ(watch().maps, 1);
  EXPECT_THAT(alerts(), ElementsAre("2020-01-01.tif 2022-01-01.tif: from 100 to 200"));
  EXPECT_THAT(notes_, HasSubstr("2019-01-01.tif is older than 2020-01-01.tif: left out\n"));
  options_.output = folder_ / "since";
  options_.since = "2020-06-01";
  EXPECT_EQ(watch().maps, 0);
  EXPECT_THAT(notes_, HasSubstr("2020-01-01.tif is older than --since: left out\n"));
}

TEST_F(WatchTest, KeepsToTheAreaOfInterest) {
  draw("2020.tif", 100);
  draw("2021.tif", 100, {.transform = {600000.0, 1.0, 0.0, 5000000.0, 0.0, -1.0}});
  draw("2022.tif", 200);
  const auto area = [&](double west) {
    return folder_
        .write("area.geojson", R"({"type": "Polygon", "coordinates": [[[)" + std::to_string(west) +
                                   R"(, 45], [)" + std::to_string(west + 0.1) + R"(, 45], [)" +
                                   std::to_string(west + 0.1) + R"(, 46], [)" + std::to_string(west) +
                                   R"(, 46], [)" + std::to_string(west) + R"(, 45]]]})")
        .string();
  };
  options_.map.area = area(14.95);
  EXPECT_EQ(watch().alerts, 1);
  EXPECT_THAT(notes_, HasSubstr("2021.tif is outside of the area of interest: left out\n"));
  options_.map.area = area(3.0);
  options_.output = folder_ / "other";
  EXPECT_EQ(error_of([&] { watch(); }),
            options_.map.area + ": expected an area that overlaps a scene, got one of other ground");
  options_.map.area = (folder_ / "none.geojson").string();
  EXPECT_THAT(error_of([&] { watch(); }), HasSubstr("none.geojson: cannot be opened as a vector file"));
}

TEST_F(WatchTest, WithoutScenesItFailsOrWaits) {
  EXPECT_EQ(error_of([&] { watch(); }),
            options_.source +
                ": expected at least one scene (.tif, .tiff, .vrt, .jp2, or items "
                "of a catalogue), got none");
  EXPECT_THAT(alerts(), IsEmpty()) << "the feed is there";
  options_.source = (folder_ / "missing").string();
  EXPECT_THAT(error_of([&] { watch(); }), HasSubstr("missing: cannot be opened (No such file or directory)"));
  options_.source = (folder_ / "scenes").string();
  options_.since = "soon";
  EXPECT_EQ(error_of([&] { watch(); }), "--since: expected a date as 2019-05-01, got soon");
}

TEST_F(WatchTest, ABrokenSceneDoesNotStopTheOthers) {
  draw("1.tif", 100);
  folder_.write("scenes/2.tif", "not a raster");
  draw("3.tif", 200, {.epsg = 0});
  draw("4.tif", 200);
  const auto counts = watch();
  EXPECT_EQ(counts.maps, 1);
  EXPECT_EQ(counts.failed, 2);
  EXPECT_THAT(notes_, HasSubstr("2.tif: cannot be opened as a raster"));
  EXPECT_THAT(notes_, HasSubstr("3.tif: expected a raster with a position and a coordinate system"));
}

TEST_F(WatchTest, AFileThatIsNotNamedInUtf8CountsAsFailed) {
  draw("2019-05-01.tif", 100);
  draw("caf\xe9-2020-05-01.tif", 200);
  draw("2021-05-01.tif", 30);
  const auto counts = watch();
  EXPECT_EQ(counts.failed, 1);
  EXPECT_EQ(counts.maps, 1);
  EXPECT_THAT(notes_,
              HasSubstr("caf\\xe9-2020-05-01.tif: expected a path in UTF-8, got other bytes (rename it)"));
}

TEST_F(WatchTest, AnInterruptedWatchEndsAsAnUninterruptedOne) {
  const double greys[] = {100, 200, 150, 120, 50};
  for (int i = 0; i < 5; ++i) draw(std::to_string(2015 + i) + ".tif", greys[i]);
  watch();
  const auto whole = feed();
  const int all = captions_;
  options_.output = folder_ / "again";
  auto model = comparing_model(&captions_);
  const auto caption = model.caption;
  for (int limit = 1; limit < 3; ++limit) {
    captions_ = 0;
    model.caption = [&](std::span<const ImagePair> pairs) {
      if (captions_ >= limit) throw Error("power is cut", ErrorKind::kResource);
      return caption(pairs);
    };
    EXPECT_EQ(error_of([&] { geo::watch(options_, model); }), "power is cut");
    // A kill may cut the last line.
    std::ofstream(options_.output / "watch.jsonl", std::ios::app) << "{\"event\": \"map\", \"sce";
  }
  captions_ = 0;
  watch();
  EXPECT_EQ(feed(), whole);
  EXPECT_EQ(captions_, all - 3);
}

TEST_F(WatchTest, BeginsAMapAgainIfItsOptionsHaveChanged) {
  draw("1.tif", 100);
  draw("2.tif", 200);
  auto model = comparing_model();
  model.caption = [](std::span<const ImagePair>) -> std::vector<Caption> {
    throw Error("power is cut", ErrorKind::kResource);
  };
  EXPECT_EQ(error_of([&] { geo::watch(options_, model); }), "power is cut");
  options_.map.tile = {16.0};
  EXPECT_EQ(watch().alerts, 4);
}

TEST_F(WatchTest, TriesAMapOnceALookAndTellsItsError) {
  draw("1.tif", 100);
  draw("2.tif", 200);
  auto model = comparing_model();
  int tries = 0;
  model.changed_from = [&]() -> std::optional<double> {
    fail("calibration.json", fmt::format("cannot be read in try {}", ++tries));
  };
  const auto note = [this](const std::string& line) { notes_ += line + "\n"; };
  EXPECT_EQ(geo::watch(options_, model, {.note = note}).failed, 1);
  EXPECT_THAT(notes_, HasSubstr("2.tif: calibration.json: cannot be read in try 1\n"));
  EXPECT_EQ(tries, 1);
}

TEST_F(WatchTest, MapsIntoTheFilesOfAFormerMap) {
  draw("1.tif", 100);
  draw("2.tif", 200);
  watch();
  std::filesystem::remove(options_.output / "watch.jsonl");
  std::filesystem::remove(options_.output / "maps/0001-2.geojson");
  EXPECT_EQ(watch().alerts, 1);
}

/// Watches scenes of which the first one is a view of another file, which is cut short after it was accepted.
class CutScene : public WatchTest {
 protected:
  CutScene() {
    draw("1.tif", 100);
    std::filesystem::rename(folder_ / "scenes/1.tif", pixels_);
    const GDALDatasetUniquePtr from(GDALDataset::Open(pixels_.c_str()));
    auto* driver = GetGDALDriverManager()->GetDriverByName("VRT");
    GDALClose(
        driver->CreateCopy((folder_ / "scenes/1.vrt").c_str(), from.get(), 0, nullptr, nullptr, nullptr));
    watch();
    whole_ = content(pixels_);
    std::filesystem::resize_file(pixels_, whole_.size() / 4 * 3);
    draw("2.tif", 200);
    draw("3.tif", 30);
  }
  std::filesystem::path journal() const { return options_.output / "maps/0001-2.geojson.journal"; }

  std::filesystem::path pixels_ = folder_ / "pixels.tif";
  std::string whole_;
};

TEST_F(CutScene, IsTriedAgainBeforeLaterScenes) {
  int failures = 0;
  const auto mend = [&](const std::string& line) {
    if (line.find("2.tif: ") != 0) return;
    ++failures;
    EXPECT_TRUE(std::filesystem::exists(journal()));
    std::ofstream(pixels_, std::ios::binary) << whole_;
  };
  captions_ = 0;
  const auto counts = geo::watch(options_, comparing_model(&captions_), {.note = mend});
  EXPECT_EQ(failures, 1);
  EXPECT_EQ(counts.maps, 2);
  EXPECT_EQ(counts.failed, 0);
  for (const auto& tile : read_layer(options_.output / "maps/0001-2.geojson")) EXPECT_EQ(tile.error, "");
  EXPECT_THAT(alerts(), ElementsAre("1.vrt 2.tif: from 100 to 200", "2.tif 3.tif: from 200 to 30"));
  EXPECT_EQ(captions_, 2) << "only the failed tiles are tried again";
  EXPECT_FALSE(std::filesystem::exists(journal()));
}

TEST_F(CutScene, IsMappedWithoutItsTilesAfterTheLastTry) {
  notes_.clear();
  captions_ = 0;
  const auto counts = watch();
  EXPECT_EQ(counts.maps, 2);
  EXPECT_THAT(notes_, ::testing::StartsWith("2.tif: expected a map of all tiles, got 2 with errors\n"
                                            "2.tif against 1.vrt: 1 alerts, maps/0001-2.geojson\n"));
  EXPECT_THAT(alerts(), ElementsAre("1.vrt 2.tif: from 100 to 200", "2.tif 3.tif: from 200 to 30"));
  EXPECT_EQ(captions_, 2);
  EXPECT_FALSE(std::filesystem::exists(journal()));
}

TEST_F(WatchTest, OneProcessWatches) {
  draw("1.tif", 100);
  draw("2.tif", 200);
  auto model = comparing_model();
  std::string refusal;
  const auto caption = model.caption;
  model.caption = [&](std::span<const ImagePair> pairs) {
    refusal = error_of([&] { watch(); });
    return caption(pairs);
  };
  geo::watch(options_, model);
  EXPECT_THAT(refusal, HasSubstr("watch.jsonl: is being written by another process"));
  folder_.write("out/watch.jsonl", "{\"uid\": 1}\n");
  EXPECT_THAT(error_of([&] { watch(); }), HasSubstr("watch.jsonl: expected a journal of ccexpert-watch"));
}

}  // namespace
}  // namespace ccexpert::geo

// Maps of several dates, with a model that compares pixels.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "geo/comparing_model.h"
#include "geo/shared/scene_date.h"
#include "support/errors.h"
#include "support/files.h"
#include "support/paths.h"
#include "support/temporary_folder.h"

namespace ccexpert::geo {
namespace {

using namespace test;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(SceneDates, AreReadFromNames) {
  const std::pair<const char*, const char*> cases[] = {
      {"S2A_MSIL2A_20230501T103021_N0509_R108_T32TQM", "2023-05-01T10:30:21Z"},
      {"LC08_L2SP_194028_20200801_20200914_02_T1", "2020-08-01T00:00:00Z"},
      {"2019-02-28", "2019-02-28T00:00:00Z"},
      {"2019_02_29", "2019-02-01T00:00:00Z"},
      {"2020:02:29 23:59:58", "2020-02-29T23:59:58Z"},
      {"2021-07-04T05:06:07.123Z", "2021-07-04T05:06:07Z"},
      {"port_2018-11", "2018-11-01T00:00:00Z"},
      {"y2018", "2018-01-01T00:00:00Z"}};
  for (const auto& [text, time] : cases)
    EXPECT_EQ(time_in_text(text), std::optional<std::string>(time)) << text;
  for (const char* text : {"before", "tile_12345", "t9", "1066", "99999999", "x20201"})
    EXPECT_EQ(time_in_text(text), std::nullopt) << text;
}

TEST(SceneDates, AreReadFromTags) {
  const TemporaryFolder folder;
  const auto raster = write_scene(folder / "before.tif", {});
  EXPECT_EQ(time_of_scene("before", raster), "");
  {
    const GDALDatasetUniquePtr dataset(GDALDataset::Open(raster.c_str(), GDAL_OF_RASTER | GDAL_OF_UPDATE));
    dataset->SetMetadataItem("TIFFTAG_DATETIME", "2017:03:02 01:00:00");
  }
  EXPECT_EQ(time_of_scene("before", raster), "2017-03-02T01:00:00Z");
  EXPECT_EQ(time_of_scene("2016", raster), "2016-01-01T00:00:00Z");
}

/// Value of a row of a layer as text.
std::string field(OGRFeature& feature, const char* name) {
  return feature.IsFieldSetAndNotNull(feature.GetFieldIndex(name)) ? feature.GetFieldAsString(name) : "-";
}

/// Returns a line for each feature with the values of fields.
std::vector<std::string> rows(const std::filesystem::path& path, const char* layer,
                              const std::vector<const char*>& fields) {
  const GDALDatasetUniquePtr dataset(GDALDataset::Open(path.c_str(), GDAL_OF_VECTOR));
  std::vector<std::string> rows;
  if (!dataset) return rows;
  auto* found = dataset->GetLayerCount() == 1 ? dataset->GetLayer(0) : dataset->GetLayerByName(layer);
  if (found == nullptr) return rows;
  for (const auto& feature : found) {
    auto& row = rows.emplace_back();
    for (const char* name : fields) row += (row.empty() ? "" : " | ") + field(*feature, name);
  }
  return rows;
}

/// Four dates of 64 x 64 pixels in four tiles. At the upper left nothing changes; at the upper right the
/// second date has something that is gone in the third; at the lower left there is something new from the
/// third on; at the lower right each date is another.
class Series : public ::testing::Test {
 protected:
  Series() {
    options_.tile = {32.0};
    options_.output = folder_ / "timeline.gpkg";
    const double greys[4][4] = {
        {100, 100, 100, 100}, {100, 200, 100, 150}, {100, 100, 200, 200}, {100, 100, 200, 50}};
    for (int date = 0; date < 4; ++date) {
      DrawnScene scene;
      scene.value = [grey = greys[date]](int x, int y, int) {
        return grey[(x >= 32 ? 1 : 0) + (y >= 32 ? 2 : 0)];
      };
      const auto name = std::to_string(2018 + date);
      const auto raster = write_scene(folder_ / (name + ".tif"), scene);
      options_.series.push_back({.name = name, .raster = raster, .time = name + "-01-01T00:00:00Z"});
    }
  }

  MapSummary map() { return map_scene(options_, comparing_model(&captions_)); }
  std::vector<json> timeline() const {
    std::vector<json> rows;
    std::istringstream text(content(folder_ / "timeline.timeline.jsonl"));
    for (std::string line; std::getline(text, line);) rows.push_back(json::parse(line));
    return rows;
  }

  TemporaryFolder folder_;
  MapOptions options_;
  int captions_ = 0;
};

TEST_F(Series, MapsConsecutiveDatesAndTheFirstAgainstTheLast) {
  const auto counts = map();
  EXPECT_EQ(counts.tiles, 4);
  EXPECT_EQ(counts.captioned, 3);
  EXPECT_EQ(counts.quiet, 1);
  EXPECT_THAT(
      rows(options_.output, "changes", {"tile", "from", "to", "begin", "end", "caption", "transient"}),
      ElementsAre("1 | 2018 | 2019 | 2018/01/01 00:00:00+00 | 2019/01/01 00:00:00+00 | from 100 to 200 | 1",
                  "3 | 2018 | 2019 | 2018/01/01 00:00:00+00 | 2019/01/01 00:00:00+00 | from 100 to 150 | 0",
                  "1 | 2019 | 2020 | 2019/01/01 00:00:00+00 | 2020/01/01 00:00:00+00 | from 200 to 100 | 1",
                  "2 | 2019 | 2020 | 2019/01/01 00:00:00+00 | 2020/01/01 00:00:00+00 | from 100 to 200 | 0",
                  "3 | 2019 | 2020 | 2019/01/01 00:00:00+00 | 2020/01/01 00:00:00+00 | from 150 to 200 | 0",
                  "3 | 2020 | 2021 | 2020/01/01 00:00:00+00 | 2021/01/01 00:00:00+00 | from 200 to 50 | 0"));
  EXPECT_THAT(rows(options_.output, "span_changes", {"tile", "from", "to", "caption", "transient"}),
              ElementsAre("2 | 2018 | 2021 | from 100 to 200 | -", "3 | 2018 | 2021 | from 100 to 50 | -"));
  EXPECT_EQ(rows(options_.output, "tiles", {"tile"}).size(), 12U);
  EXPECT_THAT(rows(options_.output, "span_tiles", {"tile", "from", "to"}),
              ElementsAre("0 | 2018 | 2021", "1 | 2018 | 2021", "2 | 2018 | 2021", "3 | 2018 | 2021"));
}

TEST_F(Series, WritesATimelineASummaryAndAPage) {
  map();
  const auto all = timeline();
  std::vector<std::string> kinds;
  for (const auto& row : all) {
    if (row["tile"] == 3) {
      kinds.push_back(fmt::format("{} {} {} {}", row["from"].get<std::string>(), row["to"].get<std::string>(),
                                  row["kind"].get<std::string>(), row["changed"].get<bool>()));
    }
  }
  EXPECT_THAT(kinds, ElementsAre("2018 2019 step true", "2018 2020 around true", "2019 2020 step true",
                                 "2019 2021 around true", "2020 2021 step true", "2018 2021 span true"));
  EXPECT_EQ(all[4]["caption"], "from 100 to 200");
  EXPECT_EQ(all[4]["transient"], true);
  EXPECT_EQ(all[4]["begin"], "2018-01-01T00:00:00Z");
  const auto summary = json::parse(content(folder_ / "timeline.summary.json"));
  ASSERT_EQ(summary["pairs"].size(), 4U);
  EXPECT_EQ(summary["pairs"][0]["changed"], 2);
  EXPECT_EQ(summary["pairs"][0]["transient"], 1);
  EXPECT_EQ(summary["pairs"][3]["kind"], "span");
  EXPECT_EQ(summary["dates"][2]["name"], "2020");
  const auto page = content(folder_ / "timeline.html");
  EXPECT_THAT(page, HasSubstr("2018 \u2192 2021 (first and last)"));
  EXPECT_THAT(page, HasSubstr("Changes that come and go in one date"));
  EXPECT_THAT(page, HasSubstr("from 200 to 100"));
}

TEST_F(Series, AStepEqualsTheMapOfItsDates) {
  options_.registration = Registration::kCorrect;
  map();
  const auto steps = rows(options_.output, "tiles", {"tile", "caption", "score", "area_m2", "valid"});
  MapOptions pair;
  pair.tile = options_.tile;
  pair.registration = options_.registration;
  pair.before = options_.series[0].raster;
  pair.after = options_.series[1].raster;
  pair.output = folder_ / "pair.gpkg";
  map_scene(pair, comparing_model());
  const auto tiles = rows(pair.output, "tiles", {"tile", "caption", "score", "area_m2", "valid"});
  ASSERT_EQ(tiles.size(), 4U);
  for (size_t i = 0; i < tiles.size(); ++i) EXPECT_EQ(steps[3 * i], tiles[i]);
}

TEST_F(Series, StylesOfTheStepsFollowTheTime) {
  map();
  EXPECT_THAT(rows(options_.output, "layer_styles", {"f_table_name"}),
              ElementsAre("changes", "span_changes", "tiles", "span_tiles"));
  const auto styles = rows(options_.output, "layer_styles", {"styleQML"});
  EXPECT_THAT(styles[0], HasSubstr("startField=\"begin\" endField=\"end\""));
  EXPECT_THAT(styles[1], ::testing::Not(HasSubstr("startField")));
}

TEST_F(Series, SkipsPairsWithoutPixels) {
  DrawnScene cloudy{.no_data = 0.0};
  cloudy.value = [](int x, int y, int) { return x < 32 && y < 32 ? 0.0 : 100.0; };
  options_.series.resize(3);
  write_scene(options_.series[1].raster, cloudy);
  EXPECT_EQ(map().skipped, 0);
  EXPECT_THAT(rows(options_.output, "tiles", {"tile", "from", "to"}),
              ElementsAre("1 | 2018 | 2019", "1 | 2019 | 2020", "2 | 2018 | 2019", "2 | 2019 | 2020",
                          "3 | 2018 | 2019", "3 | 2019 | 2020"));
  EXPECT_EQ(rows(options_.output, "span_tiles", {"tile"}).size(), 4U);
}

TEST_F(Series, WritesOtherFormatsAndShards) {
  map();
  const auto whole = content(folder_ / "timeline.timeline.jsonl");
  options_.output = folder_ / "parts.geojson";
  for (int64_t i = 1; i <= 2; ++i) {
    options_.shard = {i, 2};
    map();
  }
  merge_shards(options_.output, {}, false);
  EXPECT_EQ(content(folder_ / "parts.timeline.jsonl"), whole);
  EXPECT_EQ(rows(folder_ / "parts.geojson", "tiles", {"tile"}).size(), 12U);
  EXPECT_THAT(
      rows(folder_ / "parts.span_changes.geojson", "", {"begin", "caption"}),
      ElementsAre("2018/01/01 00:00:00+00 | from 100 to 200", "2018/01/01 00:00:00+00 | from 100 to 50"));
}

TEST_F(Series, AResumedMapEqualsAnUninterruptedOne) {
  map();
  const auto whole = content(folder_ / "timeline.timeline.jsonl");
  const int all = captions_;
  options_.output = folder_ / "again.gpkg";
  options_.batch = 1;
  auto model = comparing_model(&captions_);
  captions_ = 0;
  const auto caption = model.caption;
  model.caption = [&](std::span<const ImagePair> pairs) {
    if (captions_ > 4) throw Error("power is cut");
    return caption(pairs);
  };
  EXPECT_EQ(error_of([&] { map_scene(options_, model); }), "power is cut");
  options_.resume = true;
  const auto counts = map();
  EXPECT_EQ(counts.resumed, 3);
  EXPECT_EQ(captions_, all + 4) << "only the tile that was begun is captioned again";
  EXPECT_EQ(content(folder_ / "again.timeline.jsonl"), whole);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "again.gpkg.journal"));
  EXPECT_EQ(map_scene(options_, comparing_model()).tiles, 0) << "nothing is left to do";
}

TEST_F(Series, EncodesEachTileOfADateOnce) {
  for (int date = 0; date < 4; ++date) {
    DrawnScene scene;
    scene.value = [date](int x, int y, int band) {
      return 3.0 * x + y / 2 + 10 * band + (x % 7 == date ? 30 : 0);
    };
    write_scene(options_.series[static_cast<size_t>(date)].raster, scene);
  }
  const auto captioner = Captioner::load(std::string(kTestData) + "/checkpoint-tiny");
  options_.threshold = 0.0;
  map_scene(options_, model_of(captioner));
  EXPECT_EQ(captioner.timings().encoded_images, 4 * 4);
}

TEST_F(Series, RefusesWrongDates) {
  const auto refusal = [&] { return error_of([&] { map(); }); };
  std::swap(options_.series[1].time, options_.series[2].time);
  EXPECT_THAT(refusal(), HasSubstr("--series: expected dates in the order of time, got "));
  options_.series[2].name = "2018";
  options_.series[1].time = options_.series[2].time = "";
  EXPECT_EQ(refusal(), "--series: expected a name for each date, got 2018 twice");
  options_.series.resize(1);
  EXPECT_EQ(refusal(), "--series: expected two dates or more, got 1");
  options_.series.resize(2);
  options_.heatmap = folder_ / "heat.tif";
  EXPECT_EQ(refusal(), "--heatmap: expected two dates, BEFORE AFTER, got a series");
}

}  // namespace
}  // namespace ccexpert::geo

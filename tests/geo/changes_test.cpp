// Hotspots, changed ground, heatmap, styles and page of a map, with a model that compares pixels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "geo/comparing_model.h"
#include "geo/scene_files.h"
#include "support/files.h"
#include "support/temporary_folder.h"

namespace ccexpert::geo {
namespace {

using namespace test;
using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Scene of 128 x 64 pixels in tiles of 32; the changed rectangle is at x of 48 to 80 and y of 8 to 24.
class Changes : public ::testing::Test {
 protected:
  Changes() {
    before_.width = after_.width = 128;
    after_.value = [](int x, int y, int) { return x >= 48 && x < 80 && y >= 8 && y < 24 ? 200.0 : 100.0; };
    options_.tile = {32.0};
    options_.output = folder_ / "changes.gpkg";
  }

  MapSummary map() {
    if (options_.before.empty()) write();
    return map_scene(options_, comparing_model(&captions_));
  }
  void write() {
    options_.before = write_scene(folder_ / "before.tif", before_);
    options_.after = write_scene(folder_ / "after.tif", after_);
  }

  TemporaryFolder folder_;
  DrawnScene before_, after_;
  MapOptions options_;
  int captions_ = 0;
};

TEST_F(Changes, AreCaptionedWhereTheScoreIsHigh) {
  const auto counts = map();
  EXPECT_EQ(counts.captioned, 2);
  EXPECT_EQ(counts.quiet, 6);
  EXPECT_EQ(captions_, 2);
  const auto features = read_layer(options_.output, "tiles");
  ASSERT_EQ(features.size(), 8U);
  EXPECT_THAT(captions_of(features),
              ElementsAre("", "from 100 to 125", "from 100 to 125", "", "", "", "", ""));
  options_.overwrite = true;
  options_.threshold = 0.0;
  EXPECT_EQ(map().captioned, 8);
}

TEST_F(Changes, ArePolygonsWithTheAreaOfTheGround) {
  map();
  const auto features = read_layer(options_.output, "changes");
  ASSERT_EQ(features.size(), 2U);
  EXPECT_EQ(features[0].tile, 1);
  EXPECT_EQ(features[0].caption, "from 100 to 125");
  EXPECT_NEAR(features[0].envelope.MinX, 500048.0, 1.01);
  EXPECT_NEAR(features[0].envelope.MaxX, 500064.0, 1.01);
  EXPECT_NEAR(features[0].envelope.MaxY, 4999992.0, 1.01);
  EXPECT_NEAR(features[0].envelope.MinY, 4999976.0, 1.01);
  // Corners are rounded by the interpolation between patches.
  EXPECT_NEAR(features[0].area, 256.0 / (0.9996 * 0.9996), 10.0);
  const auto summary = json::parse(content(folder_ / "changes.summary.json"));
  EXPECT_EQ(summary["changed_areas"], 2);
  EXPECT_NEAR(summary["changed_area_m2"].get<double>(), features[0].area + features[1].area, 1.0);
}

TEST_F(Changes, AreJoinedAcrossTiles) {
  options_.merge = true;
  map();
  const auto features = read_layer(options_.output, "changes");
  ASSERT_EQ(features.size(), 1U);
  EXPECT_NEAR(features[0].envelope.MinX, 500048.0, 1.01);
  EXPECT_NEAR(features[0].envelope.MaxX, 500080.0, 1.01);
  EXPECT_NEAR(features[0].area, 512.0 / (0.9996 * 0.9996), 20.0);
}

TEST_F(Changes, CountOverlappedGroundOnce) {
  options_.overlap = {8.0};
  options_.merge = true;
  map();
  double area = 0.0;
  for (const auto& feature : read_layer(options_.output, "changes")) area += feature.area;
  EXPECT_NEAR(area, 512.0 / (0.9996 * 0.9996), 20.0);
}

TEST_F(Changes, AreBlendedToACloudOptimisedHeatmap) {
  options_.heatmap = folder_ / "heat.tif";
  options_.overlap = {8.0};
  map();
  const GDALDatasetUniquePtr heat(GDALDataset::Open(options_.heatmap.c_str()));
  ASSERT_TRUE(heat);
  EXPECT_STREQ(heat->GetMetadataItem("LAYOUT", "IMAGE_STRUCTURE"), "COG");
  EXPECT_EQ(heat->GetRasterXSize(), 32);
  EXPECT_EQ(heat->GetRasterYSize(), 16);
  double transform[6];
  heat->GetGeoTransform(transform);
  EXPECT_EQ(transform[0], 500000.0);
  EXPECT_EQ(transform[1], 4.0);
  std::vector<float> values(32 * 16);
  ASSERT_EQ(heat->GetRasterBand(1)->RasterIO(GF_Read, 0, 0, 32, 16, values.data(), 32, 16, GDT_Float32, 0, 0,
                                             nullptr),
            CE_None);
  EXPECT_EQ(values[4 * 32 + 15], 1.0F);
  EXPECT_EQ(values[4 * 32 + 4], 0.0F);
  EXPECT_EQ(values[12 * 32 + 15], 0.0F);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "under-construction.tif"));
}

TEST_F(Changes, HaveStylesForQgis) {
  map();
  const GDALDatasetUniquePtr package(GDALDataset::Open(options_.output.c_str(), GDAL_OF_VECTOR));
  auto* rows = package->ExecuteSQL(
      "SELECT f_table_name, styleQML FROM layer_styles WHERE useAsDefault = 1 ORDER BY f_table_name", nullptr,
      nullptr);
  ASSERT_NE(rows, nullptr);
  EXPECT_EQ(rows->GetFeatureCount(), 2);
  const OGRFeatureUniquePtr first(rows->GetNextFeature());
  ASSERT_TRUE(first);
  EXPECT_STREQ(first->GetFieldAsString(0), "changes");
  EXPECT_THAT(first->GetFieldAsString(1), HasSubstr("<renderer-v2"));
  package->ReleaseResultSet(rows);
}

TEST_F(Changes, AreInFilesOfTheirOwnWithoutAGeoPackage) {
  options_.output = folder_ / "changes.geojson";
  map();
  EXPECT_EQ(read_layer(options_.output).size(), 8U);
  EXPECT_EQ(read_layer(folder_ / "changes.changes.geojson").size(), 2U);
}

TEST_F(Changes, AreShownOnAPage) {
  map();
  const auto page = content(folder_ / "changes.html");
  EXPECT_THAT(page, HasSubstr("<td>from 100 to 125</td><td>2</td></tr>"));
  EXPECT_THAT(page, HasSubstr("data:image/webp;base64,"));
}

TEST_F(Changes, ResumeFromAJournalAsInOneGo) {
  map();
  const auto whole = read_layer(options_.output, "changes");
  const auto whole_page = content(folder_ / "changes.html");
  options_.overwrite = true;
  options_.batch = 2;
  std::stop_source stop;
  auto model = comparing_model(nullptr);
  const auto caption = model.caption;
  model.caption = [&](std::span<const ImagePair> pairs) {
    stop.request_stop();
    return caption(pairs);
  };
  EXPECT_TRUE(map_scene(options_, model, {}, stop.get_token()).interrupted);
  options_.overwrite = false;
  options_.resume = true;
  map();
  const auto resumed = read_layer(options_.output, "changes");
  ASSERT_EQ(resumed.size(), whole.size());
  for (size_t i = 0; i < whole.size(); ++i) {
    EXPECT_EQ(resumed[i].wkt, whole[i].wkt);
    EXPECT_EQ(resumed[i].area, whole[i].area);
  }
  EXPECT_EQ(content(folder_ / "changes.html"), whole_page);
}

/// Noise with a lattice of 3 pixels.
double pattern(int x, int y) {
  const auto corner = [](int column, int row) {
    auto hash =
        static_cast<uint32_t>(column + 100) * 374761393U + static_cast<uint32_t>(row + 100) * 668265263U;
    hash = (hash ^ (hash >> 13U)) * 1274126177U;
    return static_cast<double>((hash >> 16U) & 0xFFU);
  };
  const int column = (x + 300) / 3;
  const int row = (y + 300) / 3;
  const double u = (x + 300) % 3 / 3.0;
  const double v = (y + 300) % 3 / 3.0;
  const double top = (1.0 - u) * corner(column, row) + u * corner(column + 1, row);
  const double bottom = (1.0 - u) * corner(column, row + 1) + u * corner(column + 1, row + 1);
  return (1.0 - v) * top + v * bottom;
}

TEST_F(Changes, AreSeenAfterTheShiftIsCorrected) {
  before_.value = [](int x, int y, int) { return pattern(x, y); };
  after_.value = [](int x, int y, int) { return pattern(x - 3, y + 2); };
  options_.registration = Registration::kReport;
  EXPECT_GT(map().captioned, 2);
  const GDALDatasetUniquePtr package(GDALDataset::Open(options_.output.c_str(), GDAL_OF_VECTOR));
  const OGRFeatureUniquePtr tile(package->GetLayerByName("tiles")->GetFeature(1));
  EXPECT_NEAR(tile->GetFieldAsDouble("shift_x"), 3.0, 0.1);
  EXPECT_NEAR(tile->GetFieldAsDouble("shift_y"), -2.0, 0.1);
  options_.registration = Registration::kCorrect;
  options_.overwrite = true;
  const auto counts = map();
  EXPECT_EQ(counts.captioned, 0);
  EXPECT_EQ(counts.quiet, 8);
}

TEST_F(Changes, AreSeenAfterTheShiftOfALargeTileIsCorrected) {
  before_ = {.width = 1152, .height = 1152, .bands = 1};
  after_ = before_;
  before_.value = [](int x, int y, int) { return pattern(x, y); };
  after_.value = [](int x, int y, int) { return pattern(x - 3, y + 2); };
  options_.tile = {1152.0};
  options_.registration = Registration::kReport;
  EXPECT_EQ(map().quiet, 0);
  options_.registration = Registration::kCorrect;
  options_.overwrite = true;
  EXPECT_EQ(map().quiet, 1);
}

}  // namespace
}  // namespace ccexpert::geo

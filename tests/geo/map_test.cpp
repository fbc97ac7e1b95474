// Whole maps of drawn scenes, with a model that tells the grey of both dates.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "geo/map_fixture.h"
#include "geo/raster.h"
#include "geo/scene_files.h"
#include "geo/shifted.h"
#include "support/errors.h"

namespace ccexpert::geo {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(Map, CaptionsEachTileAtItsPlace) {
  write();
  const auto counts = map();
  EXPECT_EQ(counts.tiles, 4);
  EXPECT_EQ(counts.captioned, 4);
  const auto features = read_layer(options_.output, "tiles");
  EXPECT_THAT(captions_of(features),
              ElementsAre("from 100 to 10", "from 100 to 20", "from 100 to 30", "from 100 to 40"));
  EXPECT_EQ(features[1].envelope.MinX, 500032.0);
  EXPECT_EQ(features[1].envelope.MaxX, 500064.0);
  EXPECT_EQ(features[1].envelope.MaxY, 5000000.0);
  EXPECT_EQ(features[1].envelope.MinY, 4999968.0);
  EXPECT_NEAR(features[1].area, 1024.0 / (0.9996 * 0.9996), 0.02);
  EXPECT_EQ(summary()["tiles"]["captioned"], 4);
  EXPECT_EQ(summary()["valid_share"], 1.0);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "changes.gpkg.journal"));
}

TEST_F(Map, WarpsAnotherSystemResolutionAndExtent) {
  // The second date covers the same ground and more in the neighbouring zone, with pixels of 0.5 m.
  OGRSpatialReference from, to;
  from.importFromEPSG(32633);
  to.importFromEPSG(32632);
  const std::unique_ptr<OGRCoordinateTransformation> convert(OGRCreateCoordinateTransformation(&from, &to));
  const std::unique_ptr<OGRCoordinateTransformation> back(OGRCreateCoordinateTransformation(&to, &from));
  double x = 500032.0, y = 4999968.0;
  ASSERT_TRUE(convert->Transform(1, &x, &y));
  after_ = {
      .width = 240, .height = 240, .epsg = 32632, .transform = {x - 60.0, 0.5, 0.0, y + 60.0, 0.0, -0.5}};
  after_.value = [&](int column, int row, int) {
    double east = x - 60.0 + 0.5 * (column + 0.5);
    double north = y + 60.0 - 0.5 * (row + 0.5);
    back->Transform(1, &east, &north);
    return 10.0 * (1 + (east >= 500032.0 ? 1 : 0) + (north < 4999968.0 ? 2 : 0));
  };
  write();
  map();
  EXPECT_THAT(captions_of(read_layer(options_.output)),
              ElementsAre("from 100 to 10", "from 100 to 20", "from 100 to 30", "from 100 to 40"));
}

TEST_F(Map, CountsPixelsWithoutDataAndSkipsTheirTiles) {
  before_.no_data = 0.0;
  before_.value = [](int x, int y, int) { return x < 32 && y < 24 ? 0.0 : 100.0; };
  write();
  const auto counts = map();
  EXPECT_EQ(counts.skipped, 1);
  EXPECT_EQ(counts.captioned, 3);
  EXPECT_THAT(captions_of(read_layer(options_.output)),
              ElementsAre("from 100 to 20", "from 100 to 30", "from 100 to 40"));
  EXPECT_NEAR(summary()["valid_share"].get<double>(), 1.0 - 0.25 * 0.75, 1e-6);
}

TEST_F(Map, CountsGroundThatTheSecondDateLacks) {
  after_.width = 32;
  write();
  EXPECT_EQ(map().skipped, 2);
  EXPECT_THAT(captions_of(read_layer(options_.output)), ElementsAre("from 100 to 10", "from 100 to 30"));
}

TEST_F(Map, SkipsMaskedPixels) {
  write();
  DrawnScene clouds{
      .width = 32, .height = 32, .bands = 1, .transform = {500000.0, 2.0, 0.0, 5000000.0, 0.0, -2.0}};
  clouds.value = [](int x, int y, int) { return x >= 16 && y < 16 ? 1.0 : 0.0; };
  options_.masks = {write_scene(folder_ / "clouds.tif", clouds)};
  EXPECT_EQ(map().skipped, 1);
  EXPECT_EQ(summary()["masked_share"], 0.25);
  EXPECT_THAT(captions_of(read_layer(options_.output)),
              ElementsAre("from 100 to 10", "from 100 to 30", "from 100 to 40"));
}

TEST_F(Map, StretchesSixteenBits) {
  before_.type = after_.type = GDT_UInt16;
  before_.value = [](int x, int, int) { return x % 2 == 0 ? 1000.0 : 3000.0; };
  after_.value = [](int x, int, int) { return x % 4 == 0 ? 1500.0 : 2500.0; };
  options_.tile = {64.0};
  options_.stretch = *Stretch::from_text("fixed:1000,3000");
  write();
  map();
  EXPECT_THAT(captions_of(read_layer(options_.output)), ElementsAre("from 128 to 159"));
  options_.stretch = *Stretch::from_text("0,100");
  options_.overwrite = true;
  map();
  EXPECT_THAT(captions_of(read_layer(options_.output)), ElementsAre("from 128 to 191"));
}

TEST_F(Map, StretchesDataBetweenTheWindowsOfSamples) {
  after_.type = GDT_UInt16;
  after_.no_data = 0.0;
  before_.width = after_.width = 2048;
  after_.value = [](int x, int, int) { return x >= 60 ? 0.0 : x % 4 == 0 ? 1500.0 : 2500.0; };
  options_.tile = {32.0};
  write();
  map();
  EXPECT_EQ(captions_of(read_layer(options_.output))[0], "from 100 to 191");
  options_.overwrite = true;
  after_.value = [](int, int, int) { return 2000.0; };
  write();
  EXPECT_THAT(
      error_of([&] { map(); }),
      HasSubstr("after.tif: expected bands whose percentiles 2 and 98 differ, got one without contrast "
                "or valid pixels (--stretch fixed:MIN,MAX gives the values)"));
}

TEST_F(Map, KeepsIndicesOfAPalette) {
  before_ = {.bands = 1, .value = [](int x, int, int) { return x % 2 == 0 ? 0.0 : 200.0; }};
  write();
  {
    const GDALDatasetUniquePtr file(GDALDataset::Open(options_.before.c_str(), GDAL_OF_UPDATE));
    GDALColorTable colours;
    const GDALColorEntry red{255, 0, 0, 255};
    colours.SetColorEntry(200, &red);
    ASSERT_EQ(file->GetRasterBand(1)->SetColorTable(&colours), CE_None);
  }
  auto dataset = open_raster(options_.before);
  const auto grid = grid_of(*dataset, options_.before);
  const Raster raster(std::move(dataset), options_.before, {1});
  ASSERT_FALSE(raster.palette().empty());
  const auto index = ::testing::AnyOf(0.0F, 200.0F);
  EXPECT_THAT(raster.read({0, 0, 64, 64}, {10, 10}).values, ::testing::Each(index));
  const Point shift{0.4, -0.7};
  EXPECT_THAT(read_shifted(raster, grid, {8, 8, 40, 40}, shift).values, ::testing::Each(index));
  EXPECT_THAT(ShrunkShifted(raster, grid, shift).read({8, 8, 40, 40}, {15, 15}).values,
              ::testing::Each(index));
}

TEST_F(Map, TakesTheBandsThatAreNamed) {
  before_.bands = after_.bands = 4;
  before_.value = after_.value = [](int, int, int band) { return 40.0 * band; };
  options_.tile = {64.0};
  options_.bands = {4, 4, 1};
  write();
  map();
  EXPECT_THAT(captions_of(read_layer(options_.output)), ElementsAre("from 80 to 80"));
  options_.bands = {5};
  options_.overwrite = true;
  EXPECT_THAT(error_of([&] { map(); }), HasSubstr("before.tif: expected band 5, got 4 bands"));
}

TEST_F(Map, MatchesTheRadiometryOfTheFirstDate) {
  before_.value = [](int x, int, int) { return x % 2 == 0 ? 80.0 : 120.0; };
  after_.value = [](int x, int, int) { return x % 2 == 0 ? 10.0 : 20.0; };
  options_.tile = {64.0};
  options_.match_radiometry = true;
  write();
  map();
  EXPECT_THAT(captions_of(read_layer(options_.output)), ElementsAre("from 100 to 100"));
}

TEST_F(Map, MatchesTheRadiometryOfWhatBothDatesHave) {
  // Both dates have data in one tile, between the usual windows, and clouds hide a half of it.
  before_ = {.width = 4096, .height = 32, .bands = 1, .no_data = 0.0};
  after_ = before_;
  const auto has = [](int x) { return x >= 76 && x < 116; };
  before_.value = [&](int x, int, int) {
    return !has(x) ? 0.0 : x >= 96 ? 250.0 : x % 2 == 0 ? 80.0 : 120.0;
  };
  after_.value = [&](int x, int, int) { return !has(x) ? 0.0 : x >= 96 ? 250.0 : x % 2 == 0 ? 10.0 : 20.0; };
  auto clouds = before_;
  clouds.value = [](int x, int, int) { return x >= 96 ? 1.0 : 0.0; };
  options_.masks = {write_scene(folder_ / "clouds.tif", clouds)};
  options_.match_radiometry = true;
  options_.min_valid = 0.1;
  write();
  map();
  EXPECT_THAT(captions_of(read_layer(options_.output)), ElementsAre("from 63 to 63"))
      << "five eighths of the tile have 100 in the mean";
  options_.overwrite = true;
  before_.value = [&](int x, int, int) { return has(x) ? 80.0 : 0.0; };
  write();
  EXPECT_THAT(
      error_of([&] { map(); }),
      HasSubstr("--match-radiometry: expected two dates whose bands have contrast, got one value in band 1 "
                "of "));
  before_.value = [&](int x, int, int) { return has(x) ? 0.0 : 80.0; };
  write();
  EXPECT_THAT(error_of([&] { map(); }),
              HasSubstr("--match-radiometry: expected ground with values at both dates, got none"));
}

TEST_F(Map, KeepsToTheAreaOfInterest) {
  write();
  // In degrees, within the tile at the lower right.
  OGRSpatialReference from, to;
  from.importFromEPSG(32633);
  to.importFromEPSG(4326);
  to.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  const std::unique_ptr<OGRCoordinateTransformation> convert(OGRCreateCoordinateTransformation(&from, &to));
  double x[] = {500040.0, 500060.0}, y[] = {4999960.0, 4999940.0};
  ASSERT_TRUE(convert->Transform(2, x, y));
  const auto text = fmt::format(
      R"({{"type":"Polygon","coordinates":[[[{0:.9f},{1:.9f}],[{2:.9f},{1:.9f}],[{2:.9f},{3:.9f}],[{0:.9f},{1:.9f}]]]}})",
      x[0], y[0], x[1], y[1]);
  options_.area = folder_.write("area.geojson", text).string();
  EXPECT_EQ(map().tiles, 1);
  EXPECT_THAT(captions_of(read_layer(options_.output)), ElementsAre("from 100 to 40"));
  options_.overwrite = true;
  options_.area =
      folder_.write("far.geojson", R"({"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]})")
          .string();
  EXPECT_THAT(error_of([&] { map(); }),
              HasSubstr("expected an area that overlaps the first date, got one of other"));
}

TEST_F(Map, LeavesOutNeighboursThatOnlyTouchTheArea) {
  write();
  map();
  options_.area = (folder_ / "tile.gpkg").string();
  {
    // The third tile of another map is the area.
    const GDALDatasetUniquePtr tiles(GDALDataset::Open(options_.output.c_str(), GDAL_OF_VECTOR));
    auto* driver = GetGDALDriverManager()->GetDriverByName("GPKG");
    const GDALDatasetUniquePtr area(driver->Create(options_.area.c_str(), 0, 0, 0, GDT_Unknown, nullptr));
    auto* from = tiles->GetLayerByName("tiles");
    from->SetAttributeFilter("tile = 2");
    ASSERT_NE(area->CopyLayer(from, "area"), nullptr);
  }
  options_.overwrite = true;
  EXPECT_EQ(map().tiles, 1);
  EXPECT_THAT(captions_of(read_layer(options_.output)), ElementsAre("from 100 to 30"));
}

TEST_F(Map, KeepsGroundOutsideOfTheProjection) {
  // A map of the world whose corners are not on the earth.
  before_.epsg = after_.epsg = 3035;
  before_.transform = after_.transform = {4321000.0 - 16e6, 5e5, 0.0, 3210000.0 + 16e6, 0.0, -5e5};
  options_.tile = {16.0};
  write();
  EXPECT_EQ(map().captioned, 16);
  const auto tiles = read_layer(options_.output);
  ASSERT_EQ(tiles.size(), 16U);
  EXPECT_EQ(tiles[0].area, 0.0) << "null";
  EXPECT_GT(tiles[5].area, 1e13);
  options_.output = folder_ / "changes.geojson";
  options_.overwrite = true;
  const auto counts = map();
  EXPECT_GE(counts.failed, 4);
  EXPECT_EQ(static_cast<int64_t>(read_layer(options_.output).size()), 16 - counts.failed);
  EXPECT_EQ(summary()["errors"][0]["error"], "has no longitude and latitude, which the format needs");
}

TEST_F(Map, ListsTheErrorsOfTiles) {
  before_.width = before_.height = after_.width = after_.height = 512;
  before_.bands = after_.bands = 1;
  options_.tile = {256.0};
  write();
  // A file cut short keeps its header, which is in front, and lacks its last strips.
  std::filesystem::resize_file(options_.after, std::filesystem::file_size(options_.after) / 4 * 3);
  const auto counts = map();
  EXPECT_EQ(counts.failed, 2);
  EXPECT_EQ(counts.captioned, 2);
  const auto features = read_layer(options_.output);
  ASSERT_EQ(features.size(), 4U);
  EXPECT_THAT(features[3].error, HasSubstr("after.tif: window: cannot be read"));
  EXPECT_EQ(features[3].caption, "");
  EXPECT_EQ(summary()["errors"].size(), 2U);
  options_.resume = true;
  calls_ = 0;
  EXPECT_EQ(map().failed, 2);
  EXPECT_EQ(calls_, 0) << "only the failed tiles are tried again";
}

TEST_F(Map, ErrorsAreSentences) {
  write();
  auto wrong = options_;
  wrong.output = folder_ / "changes.shp";
  EXPECT_THAT(error_of([&] { map_scene(wrong, grey_model()); }),
              HasSubstr("--output: expected a name that ends in .gpkg, .geojson, .json, .fgb or .csv, got "));
  wrong = options_;
  wrong.before = "/none.tif";
  EXPECT_THAT(error_of([&] { map_scene(wrong, grey_model()); }),
              HasSubstr("/none.tif: cannot be opened as a raster (/none.tif: No such file or directory)"));
  wrong = options_;
  wrong.before = write_scene(folder_ / "plain.tif", {.epsg = 0});
  EXPECT_THAT(
      error_of([&] { map_scene(wrong, grey_model()); }),
      HasSubstr("plain.tif: expected a raster with a position and a coordinate system, got no position"));
  wrong = options_;
  wrong.after = write_scene(folder_ / "far.tif", {.transform = {600000.0, 1.0, 0.0, 5000000.0, 0.0, -1.0}});
  EXPECT_THAT(error_of([&] { map_scene(wrong, grey_model()); }),
              HasSubstr("far.tif: expected a raster that overlaps the first date, got one of other ground"));
  wrong = options_;
  wrong.overlap = {16.0};
  EXPECT_THAT(error_of([&] { map_scene(wrong, grey_model()); }),
              HasSubstr("--overlap: expected less than half"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "changes.gpkg.journal"));
}

}  // namespace
}  // namespace ccexpert::geo

// Formats of layers: coordinates, RFC 7946, and programs that are not ours.
#include <cmath>
#include <cstdlib>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "geo/heatmap.h"
#include "geo/raster.h"
#include "geo/scene_files.h"
#include "geo/vector_file.h"
#include "support/errors.h"
#include "support/files.h"
#include "support/full_disk.h"
#include "support/temporary_folder.h"

namespace ccexpert::geo {
namespace {

using namespace test;
using nlohmann::json;
using ::testing::HasSubstr;

/// Maps one tile of a drawn scene at a place, and returns the GeoJSON.
json geojson_at(const DrawnScene& scene) {
  const TemporaryFolder folder;
  MapOptions options;
  options.tile = {64.0};
  options.before = write_scene(folder / "before.tif", scene);
  options.after = write_scene(folder / "after.tif", scene);
  options.output = folder / "changes.geojson";
  map_scene(options, grey_model());
  return json::parse(content(options.output));
}

/// Twice the signed area of a ring; above 0 if it runs counterclockwise.
double turning(const json& ring) {
  double sum = 0.0;
  for (size_t i = 0; i + 1 < ring.size(); ++i) {
    sum += ring[i][0].get<double>() * ring[i + 1][1].get<double>() -
           ring[i + 1][0].get<double>() * ring[i][1].get<double>();
  }
  return sum;
}

/// Checks a ring as section 3.1.6 of RFC 7946 wants it.
void expect_outer_ring(const json& ring) {
  ASSERT_GE(ring.size(), 4U);
  EXPECT_EQ(ring.front(), ring.back());
  EXPECT_GT(turning(ring), 0.0);
  for (const auto& point : ring) {
    EXPECT_LE(std::abs(point[0].get<double>()), 180.0);
    EXPECT_LE(std::abs(point[1].get<double>()), 90.0);
  }
}

TEST(GeoJson, IsInDegreesAndCounterclockwise) {
  for (const int epsg : {32633, 32733}) {
    const auto collection = geojson_at({.epsg = epsg});
    EXPECT_FALSE(collection.contains("crs")) << "RFC 7946 has one system";
    const auto& feature = collection["features"][0];
    EXPECT_EQ(feature["geometry"]["type"], "Polygon");
    expect_outer_ring(feature["geometry"]["coordinates"][0]);
    const auto& corner = feature["geometry"]["coordinates"][0][0];
    EXPECT_NEAR(corner[0].get<double>(), 15.0, 0.001);
    EXPECT_NEAR(corner[1].get<double>(), epsg == 32633 ? 45.15 : -45.15, 0.1);
    EXPECT_EQ(feature["properties"]["caption"], "from 100 to 100");
  }
}

TEST(GeoJson, IsCutAtTheAntimeridian) {
  // UTM 60 south at 17 degrees south, across 180 degrees; and plain degrees beyond 180.
  for (const auto& scene :
       {DrawnScene{.epsg = 32760, .transform = {810000.0, 500.0, 0.0, 8120000.0, 0.0, -500.0}},
        DrawnScene{.epsg = 4326, .transform = {179.9, 0.01, 0.0, -17.0, 0.0, -0.01}}}) {
    const auto collection = geojson_at(scene);
    const auto& geometry = collection["features"][0]["geometry"];
    EXPECT_EQ(geometry["type"], "MultiPolygon");
    ASSERT_EQ(geometry["coordinates"].size(), 2U);
    double west = 0.0, east = 0.0;
    for (const auto& polygon : geometry["coordinates"]) {
      expect_outer_ring(polygon[0]);
      for (const auto& point : polygon[0]) {
        west = std::min(west, point[0].get<double>());
        east = std::max(east, point[0].get<double>());
      }
    }
    EXPECT_EQ(west, -180.0);
    EXPECT_EQ(east, 180.0);
  }
}

/// Box of longitude and latitude around all polygons of a feature.
struct Box {
  double west = 1e9, south = 1e9, east = -1e9, north = -1e9;
};

Box box_of(const json& geometry) {
  Box box;
  const auto polygons =
      geometry["type"] == "Polygon" ? json::array({geometry["coordinates"]}) : geometry["coordinates"];
  for (const auto& polygon : polygons) {
    for (const auto& point : polygon[0]) {
      box.west = std::min(box.west, point[0].get<double>());
      box.east = std::max(box.east, point[0].get<double>());
      box.south = std::min(box.south, point[1].get<double>());
      box.north = std::max(box.north, point[1].get<double>());
    }
  }
  return box;
}

TEST(GeoJson, ClosesATileAroundAPoleThroughIt) {
  for (const int epsg : {3413, 3031}) {
    const auto collection = geojson_at({.epsg = epsg, .transform = {-32e3, 1e3, 0.0, 32e3, 0.0, -1e3}});
    const auto& feature = collection["features"][0];
    const auto box = box_of(feature["geometry"]);
    EXPECT_NEAR(box.west, -180.0, 1e-6);
    EXPECT_NEAR(box.east, 180.0, 1e-6);
    EXPECT_EQ(epsg == 3413 ? box.north : -box.south, 90.0);
    EXPECT_NEAR(epsg == 3413 ? box.south : -box.north, 89.6, 0.1);
    // Scales at the pole are 0.970 and 0.973.
    EXPECT_NEAR(feature["properties"]["area_m2"].get<double>(), 4.34e9, 0.03e9);
  }
}

TEST(GeoJson, HasTilesOfMoreThanHalfATurn) {
  const auto collection = geojson_at({.epsg = 4326, .transform = {-160.0, 5.0, 0.0, 60.0, 0.0, -1.0}});
  const auto box = box_of(collection["features"][0]["geometry"]);
  EXPECT_EQ(box.west, -160.0);
  EXPECT_EQ(box.east, 160.0);
  EXPECT_EQ(box.north, 60.0);
}

TEST(Heatmap, IsWholeOrRefusedOnAFullDisk) {
  const TemporaryFolder folder;
  const auto scene = write_scene(folder / "scene.tif", {});
  const auto grid = grid_of(*open_raster(scene), scene);
  const QuietGdal quiet;
  image::ChangeMap map{.grid = 8};
  for (int i = 0; i < 64; ++i) map.values.push_back(static_cast<float>(i * 37 % 64) / 64.0F);
  const auto result = folder / "heat.tif";
  int refused = 0;
  for (rlim_t bytes = 100; bytes < 12000; bytes += 700) {
    std::string error;
    {
      Heatmap heat(folder / "work.tif", grid, 1);
      heat.add({0, 0, 64, 64}, map);
      const FullDisk full(bytes);
      error = error_of([&] { heat.finish(result); });
    }
    const bool written = error == "no error";
    refused += written ? 0 : 1;
    if (written) {
      EXPECT_NO_THROW(Raster(open_raster(result), "heat", {1}).read({0, 0, 64, 64}, {64, 64})) << bytes;
    } else {
      EXPECT_THAT(error, HasSubstr("cannot be written"));
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, 17) << "none was whole";
}

class EachFormat : public ::testing::TestWithParam<const char*> {};

TEST_P(EachFormat, HoldsTheTilesAndOpensInOgrinfo) {
  const TemporaryFolder folder;
  MapOptions options;
  options.tile = {32.0};
  options.before = write_scene(folder / "before.tif", {});
  options.after = write_scene(folder / "after.tif", {});
  options.output = folder / (std::string("changes") + GetParam());
  map_scene(options, grey_model());
  const auto features = read_layer(options.output);
  ASSERT_EQ(features.size(), 4U);
  EXPECT_EQ(features[3].caption, "from 100 to 100");
  EXPECT_NEAR(features[3].area, 1024.0 / (0.9996 * 0.9996), 0.02);
  if (std::system("command -v ogrinfo > /dev/null") != 0) GTEST_SKIP() << "ogrinfo is not installed";
  const auto listing = folder / "listing";
  const auto call = "ogrinfo -ro -al -so " + options.output.string() + " > " + listing.string() + " 2>&1";
  EXPECT_EQ(std::system(call.c_str()), 0);
  EXPECT_THAT(content(listing), HasSubstr("Feature Count: 4"));
}

TEST_P(EachFormat, IsRefusedIfTheDiskIsFull) {
  const TemporaryFolder folder;
  const auto scene = write_scene(folder / "scene.tif", {});
  const auto grid = grid_of(*open_raster(scene), scene);
  const QuietGdal quiet;
  VectorFiles files(folder.path(), std::string("changes") + GetParam(), grid);
  auto layer = files.layer("tiles", {{"tile", OFTInteger64}, {"caption"}});
  const FullDisk full(3000);
  EXPECT_THAT(error_of([&] {
                for (int64_t tile = 0; tile < 100; ++tile)
                  layer.add({{ring_of({0, 0, 32, 32})}}, {tile, std::string("many houses are built")});
                files.close();
              }),
              HasSubstr("cannot be written"));
}

INSTANTIATE_TEST_SUITE_P(Formats, EachFormat, ::testing::Values(".gpkg", ".geojson", ".fgb", ".csv"),
                         [](const auto& each) { return std::string(each.param).substr(1); });

}  // namespace
}  // namespace ccexpert::geo

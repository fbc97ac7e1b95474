// Positions and areas on the ground.
#include "geo/ground.h"

#include <cmath>

#include <gtest/gtest.h>
#include <ogr_spatialref.h>

#include "geo/antimeridian.h"
#include "geo/gdal_use.h"

namespace ccexpert::geo {
namespace {

Grid grid_at(int epsg, std::array<double, 6> transform) {
  start_gdal();
  OGRSpatialReference system;
  system.importFromEPSG(epsg);
  char* text = nullptr;
  system.exportToWkt(&text);
  Grid grid{.width = 100, .height = 100, .transform = transform, .crs = text};
  CPLFree(text);
  return grid;
}

/// Area of a cell of longitude and latitude on WGS84 by the closed formula for authalic zones.
double zone_area(double degrees, double south, double north) {
  constexpr double kSemiMajor = 6378137.0;
  constexpr double kFlattening = 1.0 / 298.257223563;
  const double e = std::sqrt(kFlattening * (2.0 - kFlattening));
  const auto q = [&](double latitude) {
    const double s = std::sin(latitude * M_PI / 180.0);
    return s / (1.0 - e * e * s * s) + std::log((1.0 + e * s) / (1.0 - e * s)) / (2.0 * e);
  };
  const double minor = kSemiMajor * kSemiMajor * (1.0 - e * e);
  return minor / 2.0 * (degrees * M_PI / 180.0) * (q(north) - q(south));
}

TEST(Ground, AreaOfDegreesEqualsTheZone) {
  for (const double top : {60.0, 0.5, -35.0}) {
    const Ground ground(grid_at(4326, {10.0, 0.001, 0.0, top, 0.0, -0.001}));
    const double expected = zone_area(0.1, top - 0.1, top);
    EXPECT_NEAR(ground.area({ring_of({0, 0, 100, 100}, 8)}) / expected, 1.0, 1e-6) << top;
  }
}

TEST(Ground, AreaOfUtmIsTheGridsByItsScale) {
  // 0.9996 squared at the central meridian, north and south.
  for (const int epsg : {32633, 32733}) {
    const Ground ground(grid_at(epsg, {500000.0, 1.0, 0.0, 5000000.0, 0.0, -1.0}));
    EXPECT_NEAR(ground.area({ring_of({0, 0, 100, 100}, 8)}), 1e4 / (0.9996 * 0.9996), 0.01) << epsg;
    EXPECT_NEAR(ground.pixel_metres().x, 1.0 / 0.9996, 1e-5);
  }
}

TEST(Ground, HolesAreSubtracted) {
  const Ground ground(grid_at(32633, {500000.0, 1.0, 0.0, 5000000.0, 0.0, -1.0}));
  const Polygon holed{ring_of({0, 0, 100, 100}), ring_of({10, 10, 50, 50})};
  EXPECT_NEAR(ground.area(holed), 7500.0 / (0.9996 * 0.9996), 0.01);
}

TEST(Ground, StaysContinuousAcrossTheAntimeridian) {
  // Zone 60, at the east end of which longitudes jump to -180.
  const auto grid = grid_at(32760, {700000.0, 100.0, 0.0, 8100000.0, 0.0, -100.0});
  const Ground ground(grid);
  const auto ring = ground.to_degrees(ring_of({0, 0, 1000, 100}, 8));
  double west = 1e9, east = -1e9;
  for (const auto& point : ring) {
    west = std::min(west, point.x);
    east = std::max(east, point.x);
  }
  EXPECT_LT(west, 180.0);
  EXPECT_GT(east, 179.7);
  EXPECT_LT(east - west, 2.0);
}

TEST(Antimeridian, CutsInTwoWithTheSameArea) {
  const Polygon polygon{{{179.0, -17.0}, {181.0, -17.0}, {181.0, -16.0}, {179.0, -16.0}, {179.0, -17.0}}};
  const auto parts = cut_at_antimeridian(polygon);
  ASSERT_EQ(parts.size(), 2U);
  double west = 0.0, east = 0.0;
  for (const auto& part : parts) {
    for (const auto& point : part.front()) {
      EXPECT_LE(std::abs(point.x), 180.0);
      west = std::min(west, point.x);
      east = std::max(east, point.x);
    }
  }
  EXPECT_EQ(west, -180.0);
  EXPECT_EQ(east, 180.0);
  EXPECT_EQ(cut_at_antimeridian({{{10, 0}, {11, 0}, {11, 1}, {10, 0}}}).size(), 1U);
}

TEST(Antimeridian, MovesWhatLiesBeyondIt) {
  const auto parts = cut_at_antimeridian({{{181.0, 0.0}, {182.0, 0.0}, {182.0, 1.0}, {181.0, 0.0}}});
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts.front().front().front(), (Point{-179.0, 0.0}));
}

}  // namespace
}  // namespace ccexpert::geo

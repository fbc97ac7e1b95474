// Positions and areas of drawn changes against formulas that are not GDAL's, in all layers.
#include <cmath>
#include <numbers>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "geo/comparing_model.h"
#include "geo/grid.h"
#include "geo/scene_files.h"
#include "support/files.h"
#include "support/temporary_folder.h"

namespace ccexpert::geo {
namespace {

using namespace test;
using nlohmann::json;

constexpr double kSemiMajor = 6378137.0;
constexpr double kFlattening = 1.0 / 298.257223563;
constexpr double kRadians = std::numbers::pi / 180.0;
/// GeoJSON has seven places of a degree, 1.1 cm.
constexpr double kCentimetres = 0.02;

double eccentricity() {
  return std::sqrt(kFlattening * (2.0 - kFlattening));
}

/// Coordinates of UTM by Krüger's series (1912), to the third order: a millimetre.
Point utm_of(const Point& degrees, double central, bool south) {
  const double n = kFlattening / (2.0 - kFlattening);
  const double radius = kSemiMajor / (1.0 + n) * (1.0 + n * n / 4.0 + n * n * n * n / 64.0);
  const double terms[] = {n / 2.0 - 2.0 * n * n / 3.0 + 5.0 * n * n * n / 16.0,
                          13.0 * n * n / 48.0 - 3.0 * n * n * n / 5.0, 61.0 * n * n * n / 240.0};
  const double root = 2.0 * std::sqrt(n) / (1.0 + n);
  const double sine = std::sin(degrees.y * kRadians);
  const double t = std::sinh(std::atanh(sine) - root * std::atanh(root * sine));
  const double longitude = (degrees.x - central) * kRadians;
  const double xi = std::atan2(t, std::cos(longitude));
  const double eta = std::atanh(std::sin(longitude) / std::sqrt(1.0 + t * t));
  double north = xi, east = eta;
  for (int j = 1; j <= 3; ++j) {
    north += terms[j - 1] * std::sin(2.0 * j * xi) * std::cosh(2.0 * j * eta);
    east += terms[j - 1] * std::cos(2.0 * j * xi) * std::sinh(2.0 * j * eta);
  }
  return {500000.0 + 0.9996 * radius * east, (south ? 1e7 : 0.0) + 0.9996 * radius * north};
}

/// Scale of UTM at a distance from its central meridian.
double utm_scale(double easting, double latitude) {
  const double e2 = eccentricity() * eccentricity();
  const double w = 1.0 - e2 * std::pow(std::sin(latitude * kRadians), 2);
  const double squared_radius = kSemiMajor * kSemiMajor * (1.0 - e2) / (w * w);
  const double x = (easting - 500000.0) / 0.9996;
  return 0.9996 * (1.0 + x * x / (2.0 * squared_radius));
}

/// Area between two parallels and over a width in degrees (authalic latitude).
double zone_area(double degrees, double south, double north) {
  const double e = eccentricity();
  const auto q = [&](double latitude) {
    const double s = std::sin(latitude * kRadians);
    return s / (1.0 - e * e * s * s) + std::log((1.0 + e * s) / (1.0 - e * s)) / (2.0 * e);
  };
  return kSemiMajor * kSemiMajor * (1.0 - e * e) / 2.0 * degrees * kRadians * (q(north) - q(south));
}

/// Scale at the pole of a polar stereographic map that is true at a latitude.
double polar_scale(double true_at) {
  const double e = eccentricity();
  const double s = std::sin(true_at * kRadians);
  const double t =
      std::tan((45.0 - true_at / 2.0) * kRadians) / std::pow((1.0 - e * s) / (1.0 + e * s), e / 2.0);
  const double m = std::cos(true_at * kRadians) / std::sqrt(1.0 - e * e * s * s);
  return m * std::sqrt(std::pow(1.0 + e, 1.0 + e) * std::pow(1.0 - e, 1.0 - e)) / (2.0 * t);
}

double cross(const json& a, const json& b) {
  return a[0].get<double>() * b[1].get<double>() - b[0].get<double>() * a[1].get<double>();
}

/// Polygons of a geometry of GeoJSON, each a list of rings.
json polygons_of(const json& geometry) {
  return geometry["type"] == "Polygon" ? json::array({geometry["coordinates"]}) : geometry["coordinates"];
}

/// Checks that polygons are as RFC 7946 has them.
void expect_sound(const json& geometry) {
  const auto text = geometry.dump();
  const std::unique_ptr<OGRGeometry> read(OGRGeometryFactory::createFromGeoJson(text.c_str()));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->IsValid()) << text;
  for (const auto& polygon : polygons_of(geometry)) {
    for (const auto& ring : polygon) {
      double turning = 0.0;
      for (size_t i = 0; i + 1 < ring.size(); ++i) turning += cross(ring[i], ring[i + 1]);
      EXPECT_EQ(turning > 0.0, &ring == &polygon[0]) << "outer rings are counterclockwise";
      for (const auto& point : ring) {
        EXPECT_LE(std::abs(point[0].get<double>()), 180.0);
        EXPECT_LE(std::abs(point[1].get<double>()), 90.0);
      }
    }
  }
}

/// Scene with two dates that differ in a rectangle of whole tiles, on which a map is exact.
class Places : public ::testing::Test {
 protected:
  /// Maps a scene in tiles of 16 pixels and keeps the features of its layer "changes" in GeoJSON.
  void map(DrawnScene scene, const Window& changed, const Window& kept = {}) {
    scene.bands = 1;
    MapOptions options;
    options.before = write_scene(folder_ / "before.tif", scene);
    const auto within = [](const Window& window, int x, int y) {
      return x >= window.x && x < window.x + window.width && y >= window.y && y < window.y + window.height;
    };
    scene.value = [&](int x, int y, int) {
      return within(changed, x, y) && !within(kept, x, y) ? 200.0 : 100.0;
    };
    options.after = write_scene(folder_ / "after.tif", scene);
    options.tile = {16.0};
    options.merge = true;
    options.overwrite = true;
    for (const char* name : {"changes.geojson", "changes.gpkg"}) {
      options.output = folder_ / name;
      map_scene(options, comparing_model());
    }
    changes_ = json::parse(content(folder_ / "changes.changes.geojson"))["features"];
    tiles_ = json::parse(content(folder_ / "changes.geojson"))["features"];
    for (const auto& layer : {changes_, tiles_}) {
      for (const auto& feature : layer) expect_sound(feature["geometry"]);
    }
  }
  const json& geometry() const { return changes_.at(0).at("geometry"); }
  double area() const { return changes_.at(0).at("properties").at("area_m2").get<double>(); }

  TemporaryFolder folder_;
  json changes_, tiles_;
};

/// Distance of a point from the border of the box.
double from_border(const Point& point, const OGREnvelope& box) {
  return std::min({std::abs(point.x - box.MinX), std::abs(point.x - box.MaxX), std::abs(point.y - box.MinY),
                   std::abs(point.y - box.MaxY)});
}

TEST_F(Places, OfUtmAreThoseOfTheDrawnRectangle) {
  struct Case {
    int epsg;
    double central, top;
    bool south;
  };
  for (const auto& [epsg, central, top, south] :
       {Case{32633, 15.0, 6200000.0, false}, Case{32733, 15.0, 6100000.0, true},
        Case{32601, -177.0, 4e5, false}, Case{32756, 153.0, 9990000.0, true}}) {
    map({.epsg = epsg, .transform = {720000.0, 2.0, 0.0, top, 0.0, -2.0}}, {16, 32, 32, 16});
    const auto package = read_layer(folder_ / "changes.gpkg", "changes");
    ASSERT_EQ(package.size(), 1U);
    const auto& box = package[0].envelope;
    EXPECT_EQ(box.MinX, 720032.0);
    EXPECT_EQ(box.MaxX, 720096.0);
    EXPECT_EQ(box.MaxY, top - 64.0);
    EXPECT_EQ(box.MinY, top - 96.0);
    ASSERT_EQ(changes_.size(), 1U);
    double east = -1e9, west = 1e9;
    double latitude = 0.0;
    for (const auto& point : geometry()["coordinates"][0]) {
      latitude = point[1].get<double>();
      const auto place = utm_of({point[0].get<double>(), latitude}, central, south);
      EXPECT_LT(from_border(place, box), kCentimetres) << epsg;
      east = std::max(east, place.x);
      west = std::min(west, place.x);
    }
    EXPECT_NEAR(east, box.MaxX, kCentimetres);
    EXPECT_NEAR(west, box.MinX, kCentimetres);
    const double expected = 64.0 * 32.0 / std::pow(utm_scale(720064.0, latitude), 2);
    EXPECT_NEAR(area() / expected, 1.0, 1e-5) << epsg;
    EXPECT_NEAR(package[0].area, area(), 0.01);
  }
}

TEST_F(Places, FollowCurvedEdgesToTheCentimetre) {
  map({.epsg = 32733, .transform = {300000.0, 2000.0, 0.0, 6100000.0, 0.0, -2000.0}}, {0, 0, 64, 64});
  const OGREnvelope box = read_layer(folder_ / "changes.gpkg", "changes")[0].envelope;
  EXPECT_EQ(box.MaxX, 428000.0);
  const auto& ring = geometry()["coordinates"][0];
  EXPECT_GT(ring.size(), 20U);
  for (size_t i = 0; i + 1 < ring.size(); ++i) {
    for (const double share : {0.0, 0.5}) {
      const auto at = [&](size_t axis) {
        return (1.0 - share) * ring[i][axis].get<double>() + share * ring[i + 1][axis].get<double>();
      };
      EXPECT_LT(from_border(utm_of({at(0), at(1)}, 15.0, true), box), 0.15);
    }
  }
}

TEST_F(Places, OfDegreesAreThoseOfTheDrawnRectangle) {
  for (const double top : {60.0, 0.32, -35.0}) {
    map({.epsg = 4326, .transform = {10.0, 0.01, 0.0, top, 0.0, -0.01}}, {16, 32, 32, 16});
    ASSERT_EQ(changes_.size(), 1U);
    double expected[] = {10.16, top - 0.32, 10.48, top - 0.48};
    for (const auto& point : geometry()["coordinates"][0]) {
      const double x = point[0].get<double>(), y = point[1].get<double>();
      EXPECT_LT(std::min(std::abs(x - expected[0]), std::abs(x - expected[2])), 1e-7);
      EXPECT_LT(std::min(std::abs(y - expected[1]), std::abs(y - expected[3])), 1e-7);
    }
    EXPECT_NEAR(area() / zone_area(0.32, expected[3], expected[1]), 1.0, 2e-6) << top;
  }
}

TEST_F(Places, AreCutAtTheAntimeridianIntoPartsWithTheWholeArea) {
  // UTM 60 south and 1 north, whose scenes reach over 180 degrees; degrees beyond 180; and below -180.
  const DrawnScene scenes[] = {{.epsg = 32760, .transform = {803000.0, 500.0, 0.0, 8120000.0, 0.0, -500.0}},
                               {.epsg = 32601, .transform = {253000.0, 1000.0, 0.0, 5540000.0, 0.0, -1000.0}},
                               {.epsg = 4326, .transform = {179.7, 0.01, 0.0, -17.0, 0.0, -0.01}},
                               {.epsg = 4326, .transform = {-180.3, 0.01, 0.0, 40.0, 0.0, -0.01}}};
  for (const auto& scene : scenes) {
    map(scene, {16, 16, 32, 16});
    ASSERT_EQ(changes_.size(), 1U) << scene.epsg;
    EXPECT_EQ(geometry()["type"], "MultiPolygon");
    ASSERT_EQ(geometry()["coordinates"].size(), 2U);
    double sides = 0.0;
    for (const auto& polygon : geometry()["coordinates"]) {
      for (const auto& point : polygon[0]) sides += std::abs(point[0].get<double>()) == 180.0 ? 1.0 : 0.0;
    }
    EXPECT_GE(sides, 4.0) << "two corners on each side";
    const double latitude = geometry()["coordinates"][0][0][0][1].get<double>();
    const auto& t = scene.transform;
    const double expected = scene.epsg == 4326
                                ? zone_area(32 * t[1], t[3] + 32 * t[5], t[3] + 16 * t[5])
                                : 512.0 * t[1] * t[1] / std::pow(utm_scale(t[0] + 32 * t[1], latitude), 2);
    EXPECT_NEAR(area() / expected, 1.0, scene.epsg == 4326 ? 2e-6 : 2e-4) << scene.epsg;
  }
}

TEST_F(Places, AroundAPoleAreClosedThroughIt) {
  for (const int epsg : {3413, 3031}) {
    const double sign = epsg == 3413 ? 1.0 : -1.0;
    const double scale = polar_scale(epsg == 3413 ? 70.0 : 71.0);
    const DrawnScene scene{.epsg = epsg, .transform = {-32e3, 1e3, 0.0, 32e3, 0.0, -1e3}};
    // The pole is at (32, 32), a corner of four tiles: around it, at a corner, on an edge, and in a hole.
    struct Case {
      Window changed, kept;
      bool around;
    };
    for (const auto& [changed, kept, around] :
         {Case{{16, 16, 32, 32}, {}, true}, Case{{0, 0, 32, 32}, {}, false},
          Case{{16, 32, 32, 16}, {}, false}, Case{{0, 0, 64, 64}, {16, 16, 32, 32}, false},
          Case{{0, 0, 64, 64}, {32, 32, 16, 16}, true}}) {
      // One pole is enough for the special places.
      if (epsg == 3031 && changed != Window{16, 16, 32, 32}) continue;
      map(scene, changed, kept);
      ASSERT_EQ(changes_.size(), 1U);
      const auto pixels = static_cast<double>(changed.width * changed.height - kept.width * kept.height);
      EXPECT_NEAR(area() / (pixels * 1e6 / (scale * scale)), 1.0, 5e-5);
      double degrees = 0.0, nearest = 0.0;
      for (const auto& polygon : polygons_of(geometry())) {
        for (const auto& ring : polygon) {
          for (size_t i = 0; i + 1 < ring.size(); ++i) {
            degrees += cross(ring[i], ring[i + 1]) / 2.0;
            nearest = std::max(nearest, sign * ring[i][1].get<double>());
          }
        }
      }
      EXPECT_GT(degrees, 0.0);
      EXPECT_TRUE(!around || nearest == 90.0) << nearest;
    }
  }
}

TEST_F(Places, OfMoreThanHalfATurnStayWide) {
  map({.epsg = 4326, .transform = {-160.0, 5.0, 0.0, 60.0, 0.0, -1.0}}, {0, 0, 64, 16});
  ASSERT_EQ(changes_.size(), 1U);
  EXPECT_EQ(geometry()["type"], "Polygon");
  double west = 0.0, east = 0.0;
  for (const auto& point : geometry()["coordinates"][0]) {
    west = std::min(west, point[0].get<double>());
    east = std::max(east, point[0].get<double>());
  }
  EXPECT_EQ(west, -160.0);
  EXPECT_EQ(east, 160.0);
  EXPECT_NEAR(area() / zone_area(320.0, 44.0, 60.0), 1.0, 1e-5);
}

TEST_F(Places, OnAGridOfTheWorldStayWithinThePoles) {
  // Centres of the first pixels are on the pole.
  map({.width = 80, .height = 48, .epsg = 4326, .transform = {-180.0, 4.5, 0.0, 91.875, 0.0, -3.75}},
      {0, 0, 80, 16});
  ASSERT_EQ(changes_.size(), 1U);
  EXPECT_NEAR(area() / zone_area(360.0, 31.875, 90.0), 1.0, 1e-4);
}

}  // namespace
}  // namespace ccexpert::geo

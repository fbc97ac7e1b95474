#include "geo/ground.h"

#include <algorithm>
#include <cmath>

#include <geodesic.h>
#include <ogr_geometry.h>
#include <ogr_spatialref.h>

#include <ccexpert/core/error.h>

#include "geo/gdal_use.h"
#include "geo/geometry.h"

namespace ccexpert::geo {
namespace {

constexpr double kTurn = 360.0;
constexpr double kHalfTurn = 180.0;
constexpr double kPole = 90.0;

const geod_geodesic& wgs84() {
  static const auto ellipsoid = [] {
    geod_geodesic made{};
    geod_init(&made, 6378137.0, 1.0 / 298.257223563);
    return made;
  }();
  return ellipsoid;
}

/// Moves each longitude by whole turns to within half a turn of the one before it.
void make_continuous(Ring& ring, double start) {
  double last = start;
  for (auto& point : ring) {
    point.x -= kTurn * std::round((point.x - last) / kTurn);
    last = point.x;
  }
}

double ring_area(const Ring& degrees) {
  geod_polygon polygon{};
  geod_polygon_init(&polygon, 0);
  for (size_t i = 0; i + 1 < degrees.size(); ++i)
    geod_polygon_addpoint(&wgs84(), &polygon, degrees[i].y, degrees[i].x);
  double area = 0.0;
  geod_polygon_compute(&wgs84(), &polygon, 0, 1, &area, nullptr);
  return std::abs(area);
}

double distance(const Point& from, const Point& to) {
  double metres = 0.0;
  geod_inverse(&wgs84(), from.y, from.x, to.y, to.x, &metres, nullptr, nullptr);
  return metres;
}

Polygon strip(double turn) {
  const double west = turn * kTurn - kHalfTurn;
  const double east = west + kTurn;
  return {{{west, -90.0}, {east, -90.0}, {east, 90.0}, {west, 90.0}, {west, -90.0}}};
}

std::pair<double, double> longitudes(const Ring& ring) {
  const auto [west, east] = std::ranges::minmax(ring, {}, &Point::x);
  return {west.x, east.x};
}

}  // namespace

Ground::Ground(const Grid& grid) : grid_(grid) {
  auto from = system_of(grid.crs);
  auto to = degrees_system();
  to_degrees_.reset(OGRCreateCoordinateTransformation(&from, &to));
  if (!to_degrees_) fail_gdal("coordinate system", "cannot be converted to longitude and latitude");
}

Ground::~Ground() = default;

Ring Ground::continuous(const Ring& pixels) const {
  auto ring = on_ground(grid_, pixels);
  for (auto& point : ring) {
    if (to_degrees_->Transform(1, &point.x, &point.y) == FALSE || !std::isfinite(point.x))
      fail_gdal("coordinate system", "has no longitude and latitude for a part of the scene");
  }
  if (!ring.empty()) make_continuous(ring, ring.front().x);
  return ring;
}

Ring Ground::to_degrees(const Ring& pixels) const {
  auto ring = continuous(pixels);
  if (pixels.empty() || !(pixels.front() == pixels.back())) return ring;
  const auto first = ring.front();
  if (std::abs(ring.back().x - first.x) < kHalfTurn) return ring;
  const double pole = first.y > 0.0 ? kPole : -kPole;
  ring.push_back({ring.back().x, pole});
  ring.push_back({first.x, pole});
  ring.push_back(first);
  return ring;
}

Polygon Ground::to_degrees(const Polygon& pixels) const {
  Polygon polygon;
  for (const auto& ring : pixels) {
    polygon.push_back(to_degrees(ring));
    // A hole stays within its outer ring.
    if (polygon.size() > 1) make_continuous(polygon.back(), polygon.front().front().x);
  }
  return polygon;
}

double Ground::area(const Polygon& pixels) const {
  double area = 0.0;
  for (size_t i = 0; i < pixels.size(); ++i) area += (i == 0 ? 1.0 : -1.0) * ring_area(continuous(pixels[i]));
  return area;
}

Point Ground::pixel_metres() const {
  const double x = std::floor(static_cast<double>(grid_.width) / 2.0);
  const double y = std::floor(static_cast<double>(grid_.height) / 2.0);
  const auto corners = to_degrees(Ring{{x, y}, {x + 1.0, y}, {x, y + 1.0}});
  return {distance(corners[0], corners[1]), distance(corners[0], corners[2])};
}

std::vector<Polygon> cut_at_antimeridian(const Polygon& degrees) {
  const auto [west, east] = longitudes(degrees.front());
  const auto first = static_cast<int64_t>(std::floor((west + kHalfTurn) / kTurn));
  const auto last = static_cast<int64_t>(std::ceil((east - kHalfTurn) / kTurn));
  std::vector<Polygon> parts;
  const auto whole = to_ogr(degrees);
  for (int64_t turn = first; turn <= std::max(first, last); ++turn) {
    const auto frame = to_ogr(strip(static_cast<double>(turn)));
    std::vector<Polygon> cut;
    if (first >= last) {
      cut = {degrees};
    } else if (const std::unique_ptr<OGRGeometry> shared(whole.Intersection(&frame)); shared) {
      cut = polygons_of(*shared);
    }
    for (auto& polygon : cut) {
      for (auto& ring : polygon) {
        for (auto& point : ring) point.x -= static_cast<double>(turn) * kTurn;
      }
      parts.push_back(std::move(polygon));
    }
  }
  return parts;
}

}  // namespace ccexpert::geo

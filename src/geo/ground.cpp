#include "geo/ground.h"

#include <cmath>

#include <geodesic.h>

#include "geo/antimeridian.h"

namespace ccexpert::geo {
namespace {

const geod_geodesic& wgs84() {
  static const auto ellipsoid = [] {
    geod_geodesic made{};
    geod_init(&made, 6378137.0, 1.0 / 298.257223563);
    return made;
  }();
  return ellipsoid;
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

}  // namespace

Ring Ground::to_degrees(const Ring& pixels) const {
  return closed_through_pole(degrees_.trace(pixels, LineKind::kStraight));
}

Polygon Ground::to_degrees(const Polygon& pixels) const {
  Polygon polygon;
  for (const auto& ring : pixels) polygon.push_back(to_degrees(ring));
  return polygon;
}

double Ground::area(const Polygon& pixels) const {
  double area = 0.0;
  for (size_t i = 0; i < pixels.size(); ++i) {
    const auto ring = degrees_.trace(pixels[i], LineKind::kGeodesic);
    area += (i == 0 ? 1.0 : -1.0) * ring_area(ring);
  }
  return area;
}

Point Ground::pixel_metres() const {
  const double x = std::floor(static_cast<double>(grid_.width) / 2.0);
  const double y = std::floor(static_cast<double>(grid_.height) / 2.0);
  const auto corner = degrees_.at({x, y});
  return {distance(corner, degrees_.at({x + 1.0, y})), distance(corner, degrees_.at({x, y + 1.0}))};
}

}  // namespace ccexpert::geo

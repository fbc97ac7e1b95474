#include "geo/antimeridian.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>

#include <ogr_geometry.h>

#include "geo/degrees.h"
#include "geo/gdal_use.h"
#include "geo/geometry.h"

namespace ccexpert::geo {
namespace {

constexpr double kHalfTurn = kTurn / 2.0;

using Geometry = std::unique_ptr<OGRGeometry>;

/// Returns the turn of a longitude; 0 from -180 to 180.
double turn_of(double longitude) {
  return std::floor((longitude + kHalfTurn) / kTurn);
}

/// Range of turns that a ring lies in.
struct Turns {
  int64_t first = 0;
  int64_t last = 0;

  bool operator==(const Turns&) const = default;
};

Turns turns_of(const Ring& ring) {
  const auto [west, east] = std::ranges::minmax(ring, {}, &Point::x);
  const auto first = static_cast<int64_t>(turn_of(west.x));
  return {first, std::max(first, static_cast<int64_t>(std::ceil((east.x - kHalfTurn) / kTurn)))};
}

double width_of(const Ring& ring) {
  const auto [west, east] = std::ranges::minmax(ring, {}, &Point::x);
  return east.x - west.x;
}

/// Returns a ring so many turns farther to the east.
Ring turned(Ring ring, int64_t turns) {
  return moved(std::move(ring), {static_cast<double>(turns) * kTurn, 0.0});
}

Ring strip(int64_t turn) {
  return turned({{-180.0, -90.0}, {180.0, -90.0}, {180.0, 90.0}, {-180.0, 90.0}, {-180.0, -90.0}}, turn);
}

Geometry expect_geometry(OGRGeometry* geometry) {
  Geometry owned(geometry);
  if (!owned) fail_gdal("polygon", "cannot be cut at the antimeridian");
  return owned;
}

/// Returns the ground within a ring in longitudes of [-180, 180].
Geometry within_a_turn(const Ring& ring) {
  auto drawn = to_ogr({ring});
  const Geometry whole = drawn.IsValid() != 0 ? Geometry(drawn.clone()) : expect_geometry(drawn.MakeValid());
  OGRMultiPolygon parts;
  const auto turns = turns_of(ring);
  for (auto turn = turns.first; turn <= turns.last; ++turn) {
    const auto frame = to_ogr({strip(turn)});
    for (auto& polygon : polygons_of(*expect_geometry(whole->Intersection(&frame)))) {
      for (auto& each : polygon) each = turned(std::move(each), -turn);
      const auto part = to_ogr(polygon);
      parts.addGeometry(&part);
    }
  }
  return expect_geometry(parts.UnionCascaded());
}

}  // namespace

Ring closed_through_pole(Ring ring) {
  if (ring.size() < 2) return ring;
  const double round = ring.back().x - ring.front().x;
  if (std::abs(round) < kHalfTurn) return ring;
  // Starts at the antimeridian, so that the ring is not cut again there.
  const auto crosses = [](const Point& a, const Point& b) { return turn_of(a.x) != turn_of(b.x); };
  const auto from = std::ranges::adjacent_find(ring, crosses);
  const auto& a = *from;
  const auto& b = *(from + 1);
  const double meridian = std::max(turn_of(a.x), turn_of(b.x)) * kTurn - kHalfTurn;
  const double latitude = a.y + (b.y - a.y) * (meridian - a.x) / (b.x - a.x);
  double pole_side = 0.0;
  for (const auto& point : ring) pole_side += point.y;
  const double pole = pole_side > 0.0 ? kPole : -kPole;
  const double end = meridian + (round > 0.0 ? kTurn : -kTurn);
  Ring result{{meridian, latitude}};
  for (auto point = from + 1; point != ring.end(); ++point) result.push_back(*point);
  for (auto point = ring.begin() + 1; point <= from; ++point) result.push_back({point->x + round, point->y});
  for (const Point& point : {Point{end, latitude}, Point{end, pole}, Point{meridian, pole}, result.front()})
    result.push_back(point);
  return result;
}

std::vector<Polygon> cut_at_antimeridian(const Polygon& degrees) {
  const auto turns = turns_of(degrees.front());
  const bool is_in_one = turns.first == turns.last && std::ranges::all_of(degrees, [&](const Ring& ring) {
                           return turns_of(ring) == turns;
                         });
  // A hole around a pole has edges on those of the outer ring.
  if (is_in_one && (degrees.size() == 1 || width_of(degrees.front()) < kTurn)) {
    auto polygon = degrees;
    for (auto& ring : polygon) ring = turned(std::move(ring), -turns.first);
    return {polygon};
  }
  auto ground = within_a_turn(degrees.front());
  for (size_t i = 1; i < degrees.size(); ++i) {
    const auto hole = within_a_turn(degrees[i]);
    ground = expect_geometry(ground->Difference(hole.get()));
  }
  return polygons_of(*ground);
}

}  // namespace ccexpert::geo

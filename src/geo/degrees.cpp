#include "geo/degrees.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include <ogr_spatialref.h>

#include <ccexpert/core/error.h>

#include "geo/gdal_use.h"

namespace ccexpert::geo {
namespace {

constexpr double kRadians = std::numbers::pi / 180.0;
constexpr double kEarthRadius = 6'371'000.0;
constexpr double kMetresPerDegree = kEarthRadius * kRadians;

/// A longer piece of an edge is always divided: its ends do not tell which way it goes around the earth.
constexpr double kLongestMetres = 1e6;
constexpr double kLongestDegrees = 10.0;
/// Deviation that stays, in metres, and as a share of the edge. Those of an area add up.
constexpr double kDeviation = 0.01;
constexpr double deviation_share(LineKind kind) {
  return kind == LineKind::kGeodesic ? 1e-7 : 1e-6;
}
/// Halvings of an edge: then a piece of the longest edge is shorter than a ten-thousandth of a pixel.
constexpr int kMostHalvings = 32;
/// Points that an edge can get, which only noise in a conversion needs.
constexpr int kMostPoints = 65'536;

/// A ring nearer to a pole, in pixels, is moved by one of kAside: a pole on an edge has every longitude.
constexpr double kNearPole = 1e-5;
constexpr std::array<Point, 4> kAside{
    {{3.1e-4, 1.7e-4}, {-3.1e-4, 1.7e-4}, {3.1e-4, -1.7e-4}, {-3.1e-4, -1.7e-4}}};
/// Largest distance in pixels of the places of a pole at two longitudes, if it is a point.
constexpr double kSamePlace = 0.01;

/// Offset on the ground in metres to the east and to the north.
Point offset(const Point& from, const Point& to) {
  const double latitude = (from.y + to.y) / 2.0;
  return {(turned_to(to.x, from.x) - from.x) * std::cos(latitude * kRadians) * kMetresPerDegree,
          (to.y - from.y) * kMetresPerDegree};
}

/// Distance of the shortest line between two points from the one that is straight in degrees.
double bulge(const Point& offset, double latitude) {
  return offset.x * offset.x * std::abs(std::tan(latitude * kRadians)) / (8.0 * kEarthRadius);
}

double distance(const Point& point, const Point& from, const Point& to) {
  const double x = to.x - from.x, y = to.y - from.y;
  const double squared = x * x + y * y;
  const double along =
      squared == 0.0 ? 0.0
                     : std::clamp(((point.x - from.x) * x + (point.y - from.y) * y) / squared, 0.0, 1.0);
  return std::hypot(point.x - from.x - along * x, point.y - from.y - along * y);
}

bool touches(const Ring& ring, const Point& point) {
  for (size_t i = 0; i + 1 < ring.size(); ++i) {
    if (distance(point, ring[i], ring[i + 1]) < kNearPole) return true;
  }
  return false;
}

}  // namespace

double turned_to(double longitude, double near) {
  return longitude - kTurn * std::round((longitude - near) / kTurn);
}

/// Ring that is being traced along an edge.
struct Degrees::Tracing {
  LineKind kind;
  double deviation = 0.0;  ///< that may stay, in metres
  int left = 0;            ///< points that the edge can still get
  Ring ring = {};

  void add(Point point) {
    if (!ring.empty()) point.x = turned_to(point.x, ring.back().x);
    ring.push_back(point);
  }
};

Degrees::Degrees(const Grid& grid) : grid_(grid) {
  auto from = system_of(grid.crs);
  auto to = degrees_system();
  to_degrees_.reset(OGRCreateCoordinateTransformation(&from, &to));
  if (!to_degrees_) fail_gdal("coordinate system", "cannot be converted to longitude and latitude");
  metres_per_unit_ =
      from.IsGeographic() != 0 ? from.GetAngularUnits() / kRadians * kMetresPerDegree : from.GetLinearUnits();
  if (from.IsGeographic() == 0) find_poles();
}

Degrees::~Degrees() = default;

void Degrees::find_poles() {
  const QuietGdal quiet;
  const std::unique_ptr<OGRCoordinateTransformation> back(to_degrees_->GetInverse());
  if (!back) return;
  for (const double latitude : {kPole, -kPole}) {
    std::array<double, 2> x{0.0, 120.0};
    std::array<double, 2> y{latitude, latitude};
    if (back->Transform(2, x.data(), y.data()) == FALSE || !std::isfinite(x[0]) || !std::isfinite(x[1]))
      continue;
    const auto pole = grid_.pixel_of({x[0], y[0]});
    const auto other = grid_.pixel_of({x[1], y[1]});
    // In a system such as Plate Carrée a pole is a line.
    if (std::hypot(other.x - pole.x, other.y - pole.y) < kSamePlace) poles_.push_back(pole);
  }
}

Point Degrees::at(const Point& pixel) const {
  auto point = grid_.at(pixel);
  if (to_degrees_->Transform(1, &point.x, &point.y) == FALSE || !std::isfinite(point.x) ||
      !std::isfinite(point.y))
    fail_gdal("coordinate system", "has no longitude and latitude for a part of the scene");
  // Pixels on the edge of a grid of the world reach over the pole by a half.
  return {point.x, std::clamp(point.y, -kPole, kPole)};
}

Ring Degrees::off_poles(const Ring& ring) const {
  const auto pole = std::ranges::find_if(poles_, [&](const Point& each) { return touches(ring, each); });
  if (pole == poles_.end()) return ring;
  // The pole is outside of the moved ring, if possible: else the ring would go around it.
  const auto* aside = std::ranges::find_if_not(kAside, [&](const Point& by) {
    const auto beside = moved(ring, by);
    return contains({&beside, 1}, *pole);
  });
  return moved(ring, aside == kAside.end() ? kAside.front() : *aside);
}

double Degrees::metres_along(const Point& from, const Point& to) const {
  const auto a = grid_.at(from);
  const auto b = grid_.at(to);
  return std::hypot(b.x - a.x, b.y - a.y) * metres_per_unit_;
}

bool Degrees::is_fine(const Place& from, const Place& middle, const Place& to, const Tracing& tracing) const {
  if (metres_along(from.pixel, to.pixel) > kLongestMetres) return false;
  if (std::abs(turned_to(to.degrees.x, from.degrees.x) - from.degrees.x) > kLongestDegrees) return false;
  const auto whole = offset(from.degrees, to.degrees);
  const auto half = offset(from.degrees, middle.degrees);
  double deviation = std::hypot(half.x - whole.x / 2.0, half.y - whole.y / 2.0);
  if (tracing.kind == LineKind::kGeodesic) deviation += bulge(whole, middle.degrees.y);
  return deviation <= tracing.deviation;
}

void Degrees::follow(const Place& from, const Place& to, Tracing& tracing, int halvings) const {
  const auto middle = place_of({(from.pixel.x + to.pixel.x) / 2.0, (from.pixel.y + to.pixel.y) / 2.0});
  if (halvings == 0 || tracing.left == 0 || is_fine(from, middle, to, tracing)) {
    tracing.add(to.degrees);
    return;
  }
  --tracing.left;
  follow(from, middle, tracing, halvings - 1);
  follow(middle, to, tracing, halvings - 1);
}

Ring Degrees::trace(const Ring& pixels, LineKind kind) const {
  if (pixels.empty()) return {};
  const auto ring = off_poles(pixels);
  Tracing tracing{.kind = kind};
  auto last = place_of(ring.front());
  tracing.add(last.degrees);
  for (size_t i = 1; i < ring.size(); ++i) {
    const auto next = place_of(ring[i]);
    tracing.deviation = std::max(kDeviation, deviation_share(kind) * metres_along(last.pixel, next.pixel));
    tracing.left = kMostPoints;
    follow(last, next, tracing, kMostHalvings);
    last = next;
  }
  return tracing.ring;
}

}  // namespace ccexpert::geo

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/image/polygons.h>

#include "core/foreign_errors.h"
#include "image/rings.h"

namespace ccexpert::image {
namespace {

double squared_distance(const Point& a, const Point& b) {
  return (a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y);
}

/// Returns the squared distance of a point from the line between two others.
double squared_distance(const Point& point, const Point& from, const Point& to) {
  const double length = squared_distance(from, to);
  if (length == 0.0) return squared_distance(point, from);
  const double along = ((point.x - from.x) * (to.x - from.x) + (point.y - from.y) * (to.y - from.y)) / length;
  const double share = std::clamp(along, 0.0, 1.0);
  return squared_distance(point, {from.x + share * (to.x - from.x), from.y + share * (to.y - from.y)});
}

/// Ring whose points are marked to stay.
class Simplifier {
 public:
  Simplifier(const Ring& ring, double tolerance)
      : ring_(ring), limit_(tolerance * tolerance), stays_(ring.size()) {
    const auto far = std::ranges::max_element(
        ring, {}, [&](const Point& point) { return squared_distance(point, ring.front()); });
    const auto middle = static_cast<size_t>(far - ring.begin());
    stays_[0] = stays_[middle] = true;
    mark({{0, middle}, {middle, ring.size()}});
  }

  Ring ring() const {
    Ring kept;
    for (size_t i = 0; i < ring_.size(); ++i) {
      if (stays_[i]) kept.push_back(ring_[i]);
    }
    return kept;
  }

 private:
  struct Part {
    size_t first, last;
  };
  const Point& at(size_t i) const { return ring_[i % ring_.size()]; }

  void mark(std::vector<Part> parts) {
    while (!parts.empty()) {
      const auto part = parts.back();
      parts.pop_back();
      const size_t farthest = farthest_of(part);
      if (farthest == part.first) continue;
      stays_[farthest] = true;
      parts.push_back({part.first, farthest});
      parts.push_back({farthest, part.last});
    }
  }
  /// Returns the point of a part that is farthest from its line, or the first one if all may go.
  size_t farthest_of(const Part& part) const {
    size_t farthest = part.first;
    double most = limit_;
    for (size_t i = part.first + 1; i < part.last; ++i) {
      const double distance = squared_distance(at(i), at(part.first), at(part.last));
      if (distance <= most) continue;
      most = distance;
      farthest = i;
    }
    return farthest;
  }

  const Ring& ring_;
  double limit_;
  std::vector<bool> stays_;
};

Polygon with_tolerance(const Polygon& polygon, double tolerance) {
  Polygon simpler{Simplifier(polygon.outline, tolerance).ring(), {}};
  for (const auto& hole : polygon.holes) simpler.holes.push_back(Simplifier(hole, tolerance).ring());
  return simpler;
}

Polygon simplified(const Polygon& polygon, double tolerance) {
  constexpr int kTries = 5;
  for (int i = 0; i < kTries && tolerance > 0.0; ++i) {
    auto simpler = with_tolerance(polygon, tolerance);
    if (is_sound(simpler)) return simpler;
    tolerance /= 2.0;
  }
  auto exact = polygon;
  exact.outline = without_straight(polygon.outline);
  for (auto& hole : exact.holes) hole = without_straight(hole);
  return exact;
}

}  // namespace

CellMask cells_from(const PixelMap& map, double threshold) {
  CellMask mask{map.height, map.width, {}};
  mask.inside.reserve(map.values.size());
  for (const float value : map.values)
    mask.inside.push_back(static_cast<uint8_t>(static_cast<double>(value) >= threshold));
  return mask;
}

std::vector<Polygon> simplified(const std::vector<Polygon>& polygons, double tolerance) {
  if (!(tolerance >= 0.0) || std::isinf(tolerance))
    fail_expected({"tolerance", "pixels, at least 0", fmt::format("{}", tolerance)});
  std::vector<Polygon> simpler;
  for (const auto& polygon : polygons) simpler.push_back(simplified(polygon, tolerance));
  return simpler;
}

std::vector<Polygon> change_polygons(const ChangeMap& map, int64_t height, int64_t width,
                                     const PolygonOptions& options) try {
  auto polygons = polygons_of(cells_from(at_pixels(map, height, width), options.threshold));
  std::erase_if(polygons, [&](const Polygon& polygon) { return area(polygon) < options.smallest; });
  return simplified(polygons, options.tolerance);
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::image

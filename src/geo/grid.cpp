#include "geo/grid.h"

#include <algorithm>

namespace ccexpert::geo {

Point Grid::at(const Point& pixel) const {
  const auto& t = transform;
  return {t[0] + pixel.x * t[1] + pixel.y * t[2], t[3] + pixel.x * t[4] + pixel.y * t[5]};
}

Point Grid::pixel_of(const Point& coordinates) const {
  const auto& t = transform;
  const double determinant = t[1] * t[5] - t[2] * t[4];
  const double x = coordinates.x - t[0];
  const double y = coordinates.y - t[3];
  return {(x * t[5] - y * t[2]) / determinant, (y * t[1] - x * t[4]) / determinant};
}

Ring ring_of(const Window& window, int64_t pieces) {
  const auto x = static_cast<double>(window.x);
  const auto y = static_cast<double>(window.y);
  const auto width = static_cast<double>(window.width);
  const auto height = static_cast<double>(window.height);
  const Ring corners{{x, y}, {x, y + height}, {x + width, y + height}, {x + width, y}, {x, y}};
  Ring ring;
  for (size_t side = 0; side + 1 < corners.size(); ++side) {
    const auto& from = corners[side];
    const auto& to = corners[side + 1];
    for (int64_t i = 0; i < pieces; ++i) {
      const double share = static_cast<double>(i) / static_cast<double>(pieces);
      ring.push_back({from.x + share * (to.x - from.x), from.y + share * (to.y - from.y)});
    }
  }
  ring.push_back(corners.back());
  return ring;
}

Ring moved(Ring ring, const Point& by) {
  for (auto& point : ring) point = {point.x + by.x, point.y + by.y};
  return ring;
}

bool contains(std::span<const Ring> rings, const Point& point) {
  bool inside = false;
  for (const auto& ring : rings) {
    for (size_t i = 0; i + 1 < ring.size(); ++i) {
      const auto& a = ring[i];
      const auto& b = ring[i + 1];
      if ((a.y > point.y) == (b.y > point.y)) continue;
      if (point.x < a.x + (point.y - a.y) / (b.y - a.y) * (b.x - a.x)) inside = !inside;
    }
  }
  return inside;
}

Ring on_ground(const Grid& grid, Ring ring) {
  std::ranges::transform(ring, ring.begin(), [&](const Point& pixel) { return grid.at(pixel); });
  return ring;
}

}  // namespace ccexpert::geo

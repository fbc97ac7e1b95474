// Grid of pixels on the ground.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ccexpert::geo {

/// Point in pixels (column, row), in the units of a coordinate system, or in degrees (longitude, latitude).
struct Point {
  double x = 0.0;
  double y = 0.0;

  bool operator==(const Point&) const = default;
};

using Ring = std::vector<Point>;  ///< the first point is repeated at the end

/// Outer ring, and rings of holes.
using Polygon = std::vector<Ring>;

/// Rectangle of pixels.
struct Window {
  int64_t x = 0;
  int64_t y = 0;
  int64_t width = 0;
  int64_t height = 0;

  bool operator==(const Window&) const = default;
};

struct Grid {
  int64_t width = 0;
  int64_t height = 0;
  std::array<double, 6> transform{0.0, 1.0, 0.0, 0.0, 0.0, 1.0};  ///< as GDAL's
  std::string crs = {};                                           ///< WKT

  /// Returns the coordinates of a point in pixels; (0, 0) is the outer corner of the first pixel.
  Point at(const Point& pixel) const;
  /// Returns the pixel of coordinates. The transform must be invertible.
  Point pixel_of(const Point& coordinates) const;
};

/// Returns the closed ring around a window, in pixels, with `pieces` points on each side. On a map with north
/// at the top it runs counterclockwise.
Ring ring_of(const Window& window, int64_t pieces = 1);

/// Returns the ring moved by an offset.
Ring moved(Ring ring, const Point& by);

/// True if a point is inside of rings, by the rule of even and odd.
bool contains(std::span<const Ring> rings, const Point& point);

/// Returns the ring in the coordinates of a grid.
Ring on_ground(const Grid& grid, Ring ring);

}  // namespace ccexpert::geo

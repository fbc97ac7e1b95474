// Positions and areas on the ground.
#pragma once

#include <vector>

#include "geo/degrees.h"
#include "geo/grid.h"

namespace ccexpert::geo {

/// Ground of a grid on WGS84.
class Ground {
 public:
  /// Throws Error for a grid whose system cannot be converted to degrees.
  explicit Ground(const Grid& grid) : grid_(grid), degrees_(grid) {}

  /// Returns longitude and latitude. The ring is continuous: it may leave [-180, 180] if it crosses the
  /// antimeridian. A ring around a pole is closed through it. Throws Error for a ring outside of the system's
  /// domain.
  Ring to_degrees(const Ring& pixels) const;
  Polygon to_degrees(const Polygon& pixels) const;

  /// Returns the geodesic area in m² of a polygon in pixels, without its holes. Throws Error like to_degrees.
  double area(const Polygon& pixels) const;

  /// Returns the width and height of the scene's central pixel in metres.
  Point pixel_metres() const;

 private:
  Grid grid_;
  Degrees degrees_;
};

}  // namespace ccexpert::geo

// Positions on the ground: degrees, metres and areas, also across the antimeridian.
#pragma once

#include <memory>
#include <vector>

#include "geo/grid.h"

class OGRCoordinateTransformation;

namespace ccexpert::geo {

/// Conversion of the coordinates of a grid to WGS84.
class Ground {
 public:
  /// Throws Error for a grid whose system cannot be converted to degrees.
  explicit Ground(const Grid& grid);
  ~Ground();
  Ground(const Ground&) = delete;
  Ground& operator=(const Ground&) = delete;

  /// Returns longitude and latitude. The ring is continuous: it may leave [-180, 180] if it crosses the
  /// antimeridian. A ring around a pole is closed through it. Throws Error for a ring outside of the system's
  /// domain.
  Ring to_degrees(const Ring& pixels) const;
  Polygon to_degrees(const Polygon& pixels) const;

  /// Returns the geodesic area in m² of a polygon in pixels, without its holes.
  double area(const Polygon& pixels) const;

  /// Returns the width and height of the scene's central pixel in metres.
  Point pixel_metres() const;

 private:
  /// Returns a continuous ring; its ends are a turn apart if it is around a pole.
  Ring continuous(const Ring& pixels) const;

  Grid grid_;
  std::unique_ptr<OGRCoordinateTransformation> to_degrees_;
};

/// Returns the parts of a continuous polygon within longitudes of [-180, 180], cut at the antimeridian
/// (RFC 7946, 3.1.9).
std::vector<Polygon> cut_at_antimeridian(const Polygon& degrees);

}  // namespace ccexpert::geo

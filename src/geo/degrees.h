// Longitude and latitude of points and rings in pixels of a grid.
#pragma once

#include <memory>
#include <vector>

#include "geo/grid.h"

class OGRCoordinateTransformation;

namespace ccexpert::geo {

inline constexpr double kTurn = 360.0;  ///< degrees around the earth
inline constexpr double kPole = 90.0;   ///< latitude of the north pole

/// Line between neighbouring points of a traced ring.
enum class LineKind {
  kStraight,  ///< straight in degrees, as in files
  kGeodesic,  ///< shortest on the ground, as in areas
};

class Degrees {
 public:
  /// Throws Error for a grid whose system cannot be converted to degrees.
  explicit Degrees(const Grid& grid);
  ~Degrees();
  Degrees(const Degrees&) = delete;
  Degrees& operator=(const Degrees&) = delete;

  /// Returns longitude and latitude of a point in pixels. Throws Error outside of the system's domain.
  Point at(const Point& pixel) const;

  /// Returns a ring in degrees, with points added where lines of this kind would leave the ring's edges by a
  /// centimetre, or by a millionth of a longer edge (kGeodesic: a ten-millionth). It is continuous:
  /// longitudes may leave [-180, 180], and those of a ring around a pole end a turn apart. Throws Error like
  /// at().
  Ring trace(const Ring& pixels, LineKind kind) const;

 private:
  struct Place {
    Point pixel, degrees;
  };
  struct Tracing;

  Place place_of(const Point& pixel) const { return {pixel, at(pixel)}; }
  double metres_along(const Point& from, const Point& to) const;
  bool is_fine(const Place& from, const Place& middle, const Place& to, const Tracing& tracing) const;
  void follow(const Place& from, const Place& to, Tracing& tracing, int halvings) const;
  void find_poles();
  Ring off_poles(const Ring& ring) const;

  Grid grid_;
  std::unique_ptr<OGRCoordinateTransformation> to_degrees_;
  double metres_per_unit_ = 1.0;  ///< about, of the system's coordinates
  std::vector<Point> poles_;      ///< in pixels, if they are points of the system
};

/// Returns the longitude that is a whole number of turns from another one and within half a turn of `near`.
double turned_to(double longitude, double near);

}  // namespace ccexpert::geo

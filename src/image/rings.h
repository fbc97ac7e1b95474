// Geometry of rings.
#pragma once

#include <ccexpert/image/polygons.h>

namespace ccexpert::image {

/// Rectangle around points.
struct Box {
  Point least;
  Point most;

  bool has(const Point& point) const {
    return point.x >= least.x && point.x <= most.x && point.y >= least.y && point.y <= most.y;
  }
};

Box box_of(const Ring& ring);

/// True if the ring goes around the point; false or true for a point on it.
bool is_within(const Point& point, const Ring& ring);

/// Returns the ring without the points on straight lines between others.
Ring without_straight(const Ring& ring);

/// True if the rings of a polygon keep their directions, its holes are within its outline, and no two lines
/// have a point in common but an end of both.
bool is_sound(const Polygon& polygon);

}  // namespace ccexpert::image

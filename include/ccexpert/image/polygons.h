/// Polygons around areas of a raster: outlines along the edges of its cells, with holes, simplified.
#pragma once

#include <cstdint>
#include <vector>

#include <ccexpert/image/change_map.h>

namespace ccexpert::image {

/// Position in pixels: (0, 0) is the top left corner of the top left pixel, and its centre is (0.5, 0.5).
struct Point {
  double x = 0.0;  ///< to the right
  double y = 0.0;  ///< downwards

  bool operator==(const Point&) const = default;
};

/// Closed line, whose first point is not repeated at its end. It crosses and touches neither itself nor, but
/// at single points, another ring of its polygon.
using Ring = std::vector<Point>;

/// One connected area. With y upwards, as in maps, the outline runs counterclockwise and holes clockwise
/// (RFC 7946).
struct Polygon {
  Ring outline = {};             ///< outer ring
  std::vector<Ring> holes = {};  ///< rings inside of it

  bool operator==(const Polygon&) const = default;
};

/// Returns the signed area of a ring in square pixels: positive for the direction of an outline.
double signed_area(const Ring& ring);

/// Returns the area of a polygon in square pixels, without its holes.
double area(const Polygon& polygon);

/// Raster of cells that belong to areas or not.
struct CellMask {
  int64_t height = 0;           ///< cells
  int64_t width = 0;            ///< cells
  std::vector<uint8_t> inside;  ///< [height,width]; not 0: inside
};

/// Returns the cells whose value is at least `threshold`.
CellMask cells_from(const PixelMap& map, double threshold);

/// Returns the outlines of the areas, from the top. Cells that share an edge are one area. Throws Error for a
/// mask without its cells.
std::vector<Polygon> polygons_of(const CellMask& mask);

/// Removes points (Douglas and Peucker, 1973): no removed point is farther than `tolerance` pixels from the
/// line that stays. Where lines would cross, a smaller tolerance is used, and a ring that would vanish stays.
/// 0 removes only the points on straight lines.
std::vector<Polygon> simplified(const std::vector<Polygon>& polygons, double tolerance);

/// Choice of areas of a map.
struct PolygonOptions {
  double threshold = 0.5;  ///< smallest value of a changed pixel
  double tolerance = 1.0;  ///< of `simplified`, in pixels
  double smallest = 0.0;   ///< polygons with a smaller area in square pixels are left out
};

/// Returns the polygons of the changed area of an image of this size: at_pixels, cells_from, polygons_of and
/// simplified.
std::vector<Polygon> change_polygons(const ChangeMap& map, int64_t height, int64_t width,
                                     const PolygonOptions& options = {});

}  // namespace ccexpert::image

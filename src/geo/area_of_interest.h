// Area of interest of a map.
#pragma once

#include <memory>
#include <string>

#include <ogr_geometry.h>

#include "geo/grid.h"

namespace ccexpert::geo {

/// Returns the polygons of all layers of a vector file in the coordinates of a system. Throws Error for a
/// file that cannot be read, or has none.
std::unique_ptr<OGRGeometry> polygons_in(const std::string& name, OGRSpatialReference& system);

/// Polygons of a vector file, in the coordinates of a grid.
class AreaOfInterest {
 public:
  /// Reads the polygons of all layers; an empty name is the whole scene. Throws Error for a file that cannot
  /// be read, has no polygon, or has none on the grid.
  AreaOfInterest(const std::string& name, const Grid& grid);

  /// True if a window shares ground with the area.
  bool meets(const Window& window) const;

 private:
  Grid grid_;
  std::unique_ptr<OGRGeometry> area_;
  OGRPreparedGeometryUniquePtr prepared_;
};

}  // namespace ccexpert::geo

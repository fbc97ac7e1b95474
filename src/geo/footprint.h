// Ground that scenes show.
#pragma once

#include <array>
#include <memory>
#include <string>

#include <ogr_geometry.h>

namespace ccexpert::geo {

/// Ground in longitude and latitude.
class Footprint {
 public:
  /// Returns the ground of a raster. Throws Error if it cannot be opened or has no position.
  static Footprint of_raster(const std::string& raster);
  /// Returns the polygons of a vector file. Throws Error for a file without any.
  static Footprint of_area(const std::string& file);
  /// Throws Error for a text that wkt() has not given.
  static Footprint from_wkt(const std::string& text);

  std::string wkt() const;
  bool meets(const Footprint& other) const;
  /// True for bounds west, south, east and north that share ground, or cross the antimeridian.
  bool meets(const std::array<double, 4>& bounds) const;

 private:
  explicit Footprint(std::unique_ptr<OGRGeometry> shape) : shape_(std::move(shape)) {}

  std::unique_ptr<OGRGeometry> shape_;
};

}  // namespace ccexpert::geo

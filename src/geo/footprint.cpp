#include "geo/footprint.h"

#include <utility>

#include <ccexpert/core/error.h>

#include "geo/antimeridian.h"
#include "geo/area_of_interest.h"
#include "geo/gdal_use.h"
#include "geo/geometry.h"
#include "geo/ground.h"
#include "geo/raster.h"

namespace ccexpert::geo {
namespace {

/// Pieces of each side of a scene.
constexpr int64_t kPieces = 16;

}  // namespace

Footprint Footprint::of_raster(const std::string& raster) {
  const QuietGdal quiet;
  const auto dataset = open_raster(raster);
  const auto grid = grid_of(*dataset, raster);
  const auto degrees = Ground(grid).to_degrees(Polygon{ring_of({0, 0, grid.width, grid.height}, kPieces)});
  auto shape = std::make_unique<OGRMultiPolygon>();
  for (const auto& part : cut_at_antimeridian(degrees)) {
    const auto polygon = to_ogr(part);
    shape->addGeometry(&polygon);
  }
  return Footprint(std::move(shape));
}

Footprint Footprint::of_area(const std::string& file) {
  const QuietGdal quiet;
  auto degrees = degrees_system();
  return Footprint(polygons_in(file, degrees));
}

Footprint Footprint::from_wkt(const std::string& text) {
  OGRGeometry* shape = nullptr;
  if (OGRGeometryFactory::createFromWkt(text.c_str(), nullptr, &shape) != OGRERR_NONE || shape == nullptr)
    fail_expected({"ground", "a geometry in WKT", text});
  return Footprint(std::unique_ptr<OGRGeometry>(shape));
}

std::string Footprint::wkt() const {
  return shape_->exportToWkt();
}

bool Footprint::meets(const Footprint& other) const {
  return shape_->Intersects(other.shape_.get()) != 0;
}

bool Footprint::meets(const std::array<double, 4>& bounds) const {
  const auto [west, south, east, north] = bounds;
  if (west > east) return true;
  const auto box = to_ogr({{{west, south}, {east, south}, {east, north}, {west, north}, {west, south}}});
  return shape_->Intersects(&box) != 0;
}

}  // namespace ccexpert::geo

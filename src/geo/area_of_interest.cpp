#include "geo/area_of_interest.h"

#include <algorithm>

#include <ogr_geometry.h>
#include <ogrsf_frmts.h>

#include <ccexpert/core/error.h>

#include "geo/gdal_use.h"
#include "geo/geometry.h"

namespace ccexpert::geo {
namespace {

/// Width in pixels of a tile's edge, on which an area only touches it.
constexpr double kEdge = 0.01;

GDALDatasetUniquePtr open_vector(const std::string& name) {
  start_gdal();
  CPLErrorReset();
  GDALDatasetUniquePtr dataset(
      GDALDataset::Open(name.c_str(), GDAL_OF_VECTOR | GDAL_OF_READONLY | GDAL_OF_VERBOSE_ERROR));
  if (!dataset) fail_gdal(name, "cannot be opened as a vector file");
  return dataset;
}

/// Adds the polygons of a layer, in the coordinates of `system`.
void collect(OGRLayer& layer, const std::string& name, OGRSpatialReference& system,
             OGRMultiPolygon& polygons) {
  const auto* from = layer.GetSpatialRef();
  if (from == nullptr) fail_expected({name, "a layer with a coordinate system", "none"});
  OGRSpatialReference source(*from);
  source.SetAxisMappingStrategy(OAMS_TRADITIONAL_GIS_ORDER);
  const std::unique_ptr<OGRCoordinateTransformation> convert(
      OGRCreateCoordinateTransformation(&source, &system));
  if (!convert) fail_gdal(name, "cannot be converted to the scene's coordinates");
  for (const auto& feature : layer) {
    auto* geometry = feature->GetGeometryRef();
    if (geometry == nullptr) continue;
    if (geometry->transform(convert.get()) != OGRERR_NONE)
      fail_gdal(name, "cannot be converted to the scene's coordinates");
    for (const auto& polygon : polygons_of(*geometry)) {
      const auto copy = to_ogr(polygon);
      polygons.addGeometry(&copy);
    }
  }
}

/// Returns the ring around a window without its edge, which it shares with its neighbours. Coordinates of an
/// area are rounded: its edge on that of a window may reach over it.
Ring inner_ring(const Window& window) {
  auto ring = ring_of(window, 4);
  const auto inside = [](double at, int64_t start, int64_t length) {
    const auto first = static_cast<double>(start);
    return std::clamp(at, first + kEdge, first + static_cast<double>(length) - kEdge);
  };
  for (auto& point : ring)
    point = {inside(point.x, window.x, window.width), inside(point.y, window.y, window.height)};
  return ring;
}

}  // namespace

std::unique_ptr<OGRGeometry> polygons_in(const std::string& name, OGRSpatialReference& system) {
  const auto dataset = open_vector(name);
  OGRMultiPolygon polygons;
  for (auto* layer : dataset->GetLayers()) collect(*layer, name, system, polygons);
  if (polygons.getNumGeometries() == 0) fail_expected({name, "polygons", "none"});
  std::unique_ptr<OGRGeometry> area(polygons.UnionCascaded());
  if (!area) fail_gdal(name, "has polygons that cannot be joined");
  return area;
}

AreaOfInterest::AreaOfInterest(const std::string& name, const Grid& grid) : grid_(grid) {
  if (name.empty()) return;
  auto system = system_of(grid.crs);
  area_ = polygons_in(name, system);
  if (!meets({0, 0, grid.width, grid.height}))
    fail_expected({name, "an area that overlaps the first date", "one of other ground"});
  prepared_.reset(OGRCreatePreparedGeometry(OGRGeometry::ToHandle(area_.get())));
}

bool AreaOfInterest::meets(const Window& window) const {
  if (!area_) return true;
  auto frame = to_ogr({on_ground(grid_, inner_ring(window))});
  if (!prepared_) return area_->Intersects(&frame) != 0;
  return OGRPreparedGeometryIntersects(prepared_.get(), OGRGeometry::ToHandle(&frame)) != 0;
}

}  // namespace ccexpert::geo

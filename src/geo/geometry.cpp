#include "geo/geometry.h"

namespace ccexpert::geo {
namespace {

Ring ring_of_ogr(const OGRLinearRing& from) {
  Ring ring;
  for (int i = 0; i < from.getNumPoints(); ++i) ring.push_back({from.getX(i), from.getY(i)});
  return ring;
}

Polygon polygon_of(const OGRPolygon& from) {
  Polygon polygon;
  for (const auto* ring : from) polygon.push_back(ring_of_ogr(*ring));
  return polygon;
}

}  // namespace

OGRPolygon to_ogr(const Polygon& polygon) {
  OGRPolygon result;
  for (const auto& ring : polygon) {
    OGRLinearRing line;
    for (const auto& point : ring) line.addPoint(point.x, point.y);
    result.addRing(&line);
  }
  return result;
}

std::vector<Polygon> polygons_of(const OGRGeometry& geometry) {
  const auto kind = wkbFlatten(geometry.getGeometryType());
  if (kind == wkbPolygon) {
    if (geometry.IsEmpty() != 0) return {};
    return {polygon_of(*geometry.toPolygon())};
  }
  std::vector<Polygon> all;
  if (kind == wkbMultiPolygon || kind == wkbGeometryCollection) {
    for (const auto* part : *geometry.toGeometryCollection()) {
      const auto polygons = polygons_of(*part);
      all.insert(all.end(), polygons.begin(), polygons.end());
    }
  }
  return all;
}

}  // namespace ccexpert::geo

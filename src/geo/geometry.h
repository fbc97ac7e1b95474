// Polygons as geometries of OGR.
#pragma once

#include <vector>

#include <ogr_geometry.h>

#include "geo/grid.h"

namespace ccexpert::geo {

OGRPolygon to_ogr(const Polygon& polygon);

/// Returns the polygons of a geometry; its points and lines are left out.
std::vector<Polygon> polygons_of(const OGRGeometry& geometry);

}  // namespace ccexpert::geo

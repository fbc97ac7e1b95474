// Polygons of degrees at the antimeridian and around the poles.
#pragma once

#include <vector>

#include "geo/grid.h"

namespace ccexpert::geo {

/// Closes a continuous ring whose ends are a turn apart through the pole that it is around, from one side of
/// the antimeridian to the other. Other rings stay.
Ring closed_through_pole(Ring degrees);

/// Returns the parts of a polygon of continuous rings within longitudes of [-180, 180], cut at the
/// antimeridian (RFC 7946, 3.1.9). Holes may be whole turns away from the outer ring. Throws Error if the
/// rings cross one another.
std::vector<Polygon> cut_at_antimeridian(const Polygon& degrees);

}  // namespace ccexpert::geo

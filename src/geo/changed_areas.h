// Polygons of the changed ground within tiles.
#pragma once

#include <cstdint>
#include <vector>

#include <ccexpert/image/change_map.h>

#include "geo/grid.h"

namespace ccexpert::geo {

/// Changed ground, in pixels of the scene.
struct ChangedArea {
  Polygon polygon;
  int64_t tile = 0;   ///< whose caption tells of it
  int64_t tiles = 1;  ///< number of tiles that it lies in
};

/// Part of a tile whose changes are wanted.
struct TilePart {
  int64_t tile = 0;
  Window window;  ///< of the tile
  Window own;     ///< its own part (Tiling::own_part)
};

/// Returns the polygons around values of at least `threshold` in the own part of a tile.
std::vector<ChangedArea> changed_areas(const TilePart& part, const image::ChangeMap& map, double threshold);

/// Joins areas of different tiles that touch along a line. The tile of the largest part stays.
std::vector<ChangedArea> joined(std::vector<ChangedArea> areas);

/// Removes points within half a pixel of the remaining outline.
void simplify(std::vector<ChangedArea>& areas);

}  // namespace ccexpert::geo

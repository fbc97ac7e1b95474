// Small pictures of a whole scene, put together from its tiles.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ccexpert/image/image.h>

#include "geo/grid.h"

namespace ccexpert::geo {

/// Coarse grid of pictures: a picture's pixel is `step` x `step` pixels of the scene.
struct OverviewGrid {
  int64_t step = 1;
  int64_t width = 0;
  int64_t height = 0;

  /// Fits a scene, and gives a tile at most a hundred pixels on a side.
  OverviewGrid(const Grid& scene, int64_t tile_side);

  /// Returns the pixels of the picture whose centres are in a window of the scene.
  Window within(const Window& window) const;
};

/// Returns the part of the picture within `part`, as hexadecimal digits, from an image of `window`.
std::string thumbnail_of(const image::Image& tile, const Window& window, const Window& part,
                         const OverviewGrid& grid);

/// Puts the digits of thumbnail_of into a picture. Digits of another length are left out.
void place(const std::string& digits, const Window& part, const OverviewGrid& grid, image::Image& picture);

/// Colours the changed ground within a polygon in pixels of the scene.
void paint(const Polygon& polygon, const OverviewGrid& grid, image::Image& picture);

}  // namespace ccexpert::geo

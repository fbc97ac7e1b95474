// Radiometry of the second date, matched to the first.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "geo/grid.h"
#include "geo/raster.h"
#include "geo/stretch.h"

namespace ccexpert::geo {

/// Both dates of a scene on one grid.
struct Dates {
  const Raster& before;
  const Raster& after;
  /// Returns marks of the pixels of a window that a mask hides, which count nowhere.
  std::function<std::vector<uint8_t>(const Window&)> hidden;
};

/// Returns maps for the second date that give each of its bands the mean and the deviation that the first one
/// has under the maps `first`. Both are those of pixels with values at both dates: in sampled_windows, or in
/// the whole scene if these have few. Throws Error for other bands, palettes, and bands without contrast.
std::vector<BandMap> matching_maps(const Dates& dates, const Grid& grid, std::span<const BandMap> first);

}  // namespace ccexpert::geo

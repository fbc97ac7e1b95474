// Warping of a raster to the grid of another one, while it is read.
#pragma once

#include <string>
#include <vector>

#include "geo/grid.h"
#include "geo/raster.h"

namespace ccexpert::geo {

enum class Resampling {
  kSmooth,   ///< bilinear, or the average of the pixels that make up a larger one
  kNearest,  ///< for indices and masks
};

/// Opens a raster on a grid: as it is if that is its own, else warped. Throws Error if it cannot be read, has
/// no position, or shares no ground with the grid.
Raster open_on_grid(const std::string& name, const Grid& grid, const std::vector<int64_t>& bands,
                    Resampling resampling);

}  // namespace ccexpert::geo

// Correction of small shifts between the dates.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "geo/grid.h"
#include "geo/raster.h"

namespace ccexpert::geo {

/// Shifts of the second date in pixels, one for each block of 4 x 4 tiles, estimated when first needed.
class BlockShifts {
 public:
  /// Estimates the shift within a window; nothing if it cannot tell.
  using Estimate = std::function<std::optional<Point>(const Window&)>;

  BlockShifts(const Grid& grid, const Window& tile, Estimate estimate);

  /// Returns the shift of the block that has the centre of a window.
  std::optional<Point> at(const Window& window);

 private:
  Window sample_of(const std::pair<int64_t, int64_t>& block) const;

  int64_t width_, height_;
  int64_t block_width_, block_height_;
  Estimate estimate_;
  std::map<std::pair<int64_t, int64_t>, std::optional<Point>> known_;
};

/// Reads a window of a raster moved by a shift, bilinear; by whole pixels if it has a palette. Pixels from
/// outside of the grid are not valid.
Samples read_shifted(const Raster& raster, const Grid& grid, const Window& window, const Point& shift);

/// Does so for a window that is larger than its result, whose pixels are means of the valid ones, or the
/// middle one if the raster has a palette.
class ShrunkShifted {
 public:
  ShrunkShifted(const Raster& raster, const Grid& grid, const Point& shift)
      : raster_(raster), grid_(grid), shift_(shift) {}

  Samples read(const Window& window, const BufferSize& size) const;

 private:
  const Raster& raster_;
  const Grid& grid_;
  Point shift_;
};

}  // namespace ccexpert::geo

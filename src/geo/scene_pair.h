// Both dates of a scene on one grid, as pairs of images.
#pragma once

#include <optional>
#include <vector>

#include <ccexpert/geo/map.h>
#include <ccexpert/image/image.h>

#include "geo/grid.h"
#include "geo/raster.h"
#include "geo/shifted.h"
#include "geo/stretch.h"

namespace ccexpert::geo {

/// A window of both dates.
struct TilePair {
  image::Image before;
  image::Image after;
  double valid = 0.0;               ///< share of pixels with values at both dates that no mask hides
  double masked = 0.0;              ///< share of pixels that a mask hides
  std::optional<Point> shift = {};  ///< of the second date in pixels, if it was estimated
};

class ScenePair {
 public:
  /// Opens the rasters and samples them. Throws Error if one cannot be used.
  explicit ScenePair(const MapOptions& options);

  const Grid& grid() const { return grid_; }

  /// Estimates shifts between the dates from now on, for tiles of this size.
  void register_tiles(const Window& tile, Registration registration);

  /// Reads a window, in one thread at a time; a side above kLongestSide is scaled down. Throws Error if a
  /// raster cannot be read.
  TilePair read(const Window& window);

  static constexpr int64_t kLongestSide = 1024;

 private:
  /// Reads a window of both dates as they are.
  TilePair read_plain(const Window& window) const;
  /// Reads a window of the second date, moved by a shift.
  Samples read_moved(const Window& window, const Point& shift) const;
  TilePair pair_of(const Window& window, Samples before, Samples after) const;
  std::optional<Point> estimated_shift_in(const Window& window) const;
  /// Marks the pixels of a window that a mask hides.
  std::vector<uint8_t> hidden(const Window& window, const BufferSize& size) const;

  Grid grid_;
  std::vector<Raster> dates_;  ///< before and after
  std::vector<Raster> masks_;
  std::vector<std::vector<BandMap>> maps_;  ///< of each date
  std::optional<BlockShifts> shifts_;
  bool corrects_ = false;
};

}  // namespace ccexpert::geo

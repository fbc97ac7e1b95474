// The dates of a scene on one grid, read as a pair of images or all together.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
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

/// A window of all dates of a series.
struct TileDates {
  std::vector<image::Image> images;
  std::vector<std::vector<uint8_t>> valid;   ///< of each date: 1 for pixels with values, not masked
  std::vector<std::optional<Point>> shifts;  ///< of each date against the first, if estimated
  double masked = 0.0;
};

/// Returns two dates of a window; pixels that one of them lacks are black in both.
TilePair pair_of(const TileDates& tile, size_t from, size_t to);

/// Rasters of two dates or of a series, and of masks, on the grid of the first date.
class SceneStack {
 public:
  /// Opens the rasters, those of a series if there is one, and samples them. Throws Error if one cannot be
  /// used.
  explicit SceneStack(const MapOptions& options);

  const Grid& grid() const { return grid_; }
  bool is_series() const { return is_series_; }

  /// Estimates shifts of each date against the first from now on, for tiles of this size.
  void register_tiles(const Window& tile, Registration registration);

  /// Reads a window, in one thread at a time; a side above kLongestSide is scaled down. Throws Error if a
  /// raster cannot be read.
  TilePair read(const Window& window);
  /// Reads a window of all dates in the same way.
  TileDates read_all(const Window& window);

  static constexpr int64_t kLongestSide = 1024;

 private:
  /// Reads a window of the first date and of another one as they are.
  TilePair read_plain(const Window& window, size_t date) const;
  /// Reads a window of a date, moved by a shift.
  Samples read_moved(const Window& window, size_t date, const Point& shift) const;
  std::optional<Point> shift_at(const Window& window, size_t date);
  /// Adds a date to a window, without the pixels that are marked.
  void add(TileDates& tile, Samples samples, size_t date, std::span<const uint8_t> marks) const;
  TilePair pair_with(const Window& window, Samples before, Samples after, size_t date) const;
  std::optional<Point> estimated_shift_in(const Window& window, size_t date) const;
  /// Marks the pixels of a window that a mask hides.
  std::vector<uint8_t> hidden(const Window& window, const BufferSize& size) const;

  Grid grid_;
  std::vector<Raster> dates_;  ///< in the order of time
  std::vector<Raster> masks_;
  std::vector<std::vector<BandMap>> maps_;  ///< of each date
  std::vector<BlockShifts> shifts_;         ///< of each date but the first; empty: not estimated
  bool corrects_ = false;
  bool is_series_;
};

}  // namespace ccexpert::geo

// Tiles of a scene.
#pragma once

#include <cstdint>
#include <vector>

#include <ccexpert/geo/values.h>

#include "geo/grid.h"

namespace ccexpert::geo {

/// Size of a tile and of the overlap in pixels.
struct TileSize {
  int64_t width = 0;
  int64_t height = 0;
  int64_t overlap_x = 0;
  int64_t overlap_y = 0;
};

/// Rows and columns of tiles of one size, with the last ones shifted inside the scene.
class Tiling {
 public:
  /// A scene smaller than a tile is one tile.
  Tiling(const Grid& grid, const TileSize& size);

  int64_t columns() const { return columns_; }
  int64_t rows() const { return rows_; }
  int64_t count() const { return columns_ * rows_; }

  /// Returns the tile at an index, which counts row by row.
  Window window(int64_t index) const;

  /// Returns the part of a tile that is nearer to its centre than to those of its neighbours: these parts
  /// cover the scene once.
  Window own_part(int64_t index) const;

 private:
  int64_t width_, height_;
  int64_t tile_width_, tile_height_;
  int64_t step_x_, step_y_;
  int64_t columns_, rows_;
};

/// Converts lengths to pixels. Throws Error for a tile below 8 pixels, or an overlap of half a tile or more.
TileSize tile_size(const Length& tile, const Length& overlap, const Point& pixel_metres);

/// True if a shard has the tile at a place of `places`. Shards take runs of neighbouring tiles in turn.
bool is_in_shard(const Shard& shard, int64_t place, int64_t places);

}  // namespace ccexpert::geo

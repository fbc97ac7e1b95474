#include "geo/tiling.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert::geo {
namespace {

constexpr int64_t kSmallestTile = 8;
constexpr int64_t kLargestTile = 1 << 16;
/// Most neighbouring tiles that one shard takes at once.
constexpr int64_t kRun = 16;

int64_t tiles_along(int64_t length, int64_t tile, int64_t step) {
  return length <= tile ? 1 : 1 + (length - tile + step - 1) / step;
}

int64_t start_of(int64_t place, int64_t length, int64_t tile, int64_t step) {
  return std::max<int64_t>(0, std::min(place * step, length - tile));
}

/// Returns the boundary between the tiles at `place - 1` and `place`.
int64_t boundary(int64_t place, int64_t places, int64_t length, int64_t tile, int64_t step) {
  if (place == 0) return 0;
  if (place == places) return length;
  const int64_t start = start_of(place, length, tile, step);
  const int64_t end = start_of(place - 1, length, tile, step) + tile;
  return (start + end) / 2;
}

int64_t in_pixels(const Length& length, double pixel_metres) {
  const double pixels = length.metres ? length.value / pixel_metres : length.value;
  return static_cast<int64_t>(std::llround(std::min(pixels, 1e12)));
}

}  // namespace

Tiling::Tiling(const Grid& grid, const TileSize& size)
    : width_(grid.width),
      height_(grid.height),
      tile_width_(std::min(size.width, width_)),
      tile_height_(std::min(size.height, height_)),
      step_x_(std::max<int64_t>(1, tile_width_ - size.overlap_x)),
      step_y_(std::max<int64_t>(1, tile_height_ - size.overlap_y)),
      columns_(tiles_along(width_, tile_width_, step_x_)),
      rows_(tiles_along(height_, tile_height_, step_y_)) {}

Window Tiling::window(int64_t index) const {
  return {start_of(index % columns_, width_, tile_width_, step_x_),
          start_of(index / columns_, height_, tile_height_, step_y_), tile_width_, tile_height_};
}

Window Tiling::own_part(int64_t index) const {
  const int64_t column = index % columns_;
  const int64_t row = index / columns_;
  const int64_t left = boundary(column, columns_, width_, tile_width_, step_x_);
  const int64_t top = boundary(row, rows_, height_, tile_height_, step_y_);
  return {left, top, boundary(column + 1, columns_, width_, tile_width_, step_x_) - left,
          boundary(row + 1, rows_, height_, tile_height_, step_y_) - top};
}

TileSize tile_size(const Length& tile, const Length& overlap, const Point& pixel_metres) {
  const TileSize size{in_pixels(tile, pixel_metres.x), in_pixels(tile, pixel_metres.y),
                      in_pixels(overlap, pixel_metres.x), in_pixels(overlap, pixel_metres.y)};
  const auto [least, most] = std::minmax(size.width, size.height);
  if (least < kSmallestTile || most > kLargestTile) {
    fail_expected({"--tile", fmt::format("a side of {} to {} pixels", kSmallestTile, kLargestTile),
                   fmt::format("{} x {} pixels", size.width, size.height)});
  }
  if (2 * size.overlap_x >= size.width || 2 * size.overlap_y >= size.height) {
    fail_expected(
        {"--overlap", "less than half of a tile",
         fmt::format("{} x {} of {} x {} pixels", size.overlap_x, size.overlap_y, size.width, size.height)});
  }
  return size;
}

bool is_in_shard(const Shard& shard, int64_t place, int64_t places) {
  const int64_t run = std::clamp<int64_t>(places / (4 * shard.count), 1, kRun);
  return place / run % shard.count == shard.index - 1;
}

}  // namespace ccexpert::geo

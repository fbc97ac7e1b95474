#include "geo/shifted.h"

#include <algorithm>
#include <cmath>

namespace ccexpert::geo {
namespace {

constexpr int64_t kBlockTiles = 4;
/// Side of the window in the middle of a block in which its shift is estimated.
constexpr int64_t kSampleSide = 512;

int64_t centred(int64_t block, int64_t block_side, int64_t length, int64_t side) {
  return std::clamp<int64_t>(block * block_side + (block_side - side) / 2, 0, length - side);
}

/// Samples of a clipped window, seen from the window as it was asked for.
struct Clipped {
  const Samples& samples;
  int64_t left, top;  ///< of the samples in the asked window

  bool has(int64_t x, int64_t y) const {
    const bool inside = x >= left && y >= top && x < left + samples.width && y < top + samples.height;
    return inside && samples.valid[index(x, y)] != 0;
  }
  size_t index(int64_t x, int64_t y) const {
    return static_cast<size_t>((y - top) * samples.width + (x - left));
  }
};

/// Returns the first of `length` pixels in the cell at `place` of `cells`.
int64_t start_of(int64_t place, int64_t cells, int64_t length) {
  return place * length / cells;
}

/// Sets a row of a result from the rows of pixels that it covers.
void shrink(const Samples& rows, bool indexed, int64_t row, Samples& result) {
  const size_t bands = result.values.size() / result.pixels();
  for (int64_t column = 0; column < result.width; ++column) {
    int64_t left = start_of(column, result.width, rows.width);
    int64_t right = std::max(left + 1, start_of(column + 1, result.width, rows.width));
    int64_t top = 0, bottom = rows.height;
    if (indexed) {
      left = (left + right) / 2;
      top = bottom / 2;
      right = left + 1;
      bottom = top + 1;
    }
    const auto to = static_cast<size_t>(row * result.width + column);
    float count = 0.0F;
    for (int64_t i = top * rows.width; i < bottom * rows.width; i += rows.width) {
      for (auto from = static_cast<size_t>(i + left); from < static_cast<size_t>(i + right); ++from) {
        if (rows.valid[from] == 0) continue;
        count += 1.0F;
        for (size_t band = 0; band < bands; ++band)
          result.values[band * result.pixels() + to] += rows.values[band * rows.pixels() + from];
      }
    }
    result.valid[to] = count > 0.0F ? 1 : 0;
    for (size_t band = 0; count > 0.0F && band < bands; ++band)
      result.values[band * result.pixels() + to] /= count;
  }
}

struct Weight {
  int64_t x, y;
  float share;
};

}  // namespace

BlockShifts::BlockShifts(const Grid& grid, const Window& tile, Estimate estimate)
    : width_(grid.width),
      height_(grid.height),
      block_width_(kBlockTiles * tile.width),
      block_height_(kBlockTiles * tile.height),
      estimate_(std::move(estimate)) {}

Window BlockShifts::sample_of(const std::pair<int64_t, int64_t>& block) const {
  const int64_t width = std::min({width_, block_width_, kSampleSide});
  const int64_t height = std::min({height_, block_height_, kSampleSide});
  return {centred(block.first, block_width_, width_, width),
          centred(block.second, block_height_, height_, height), width, height};
}

std::optional<Point> BlockShifts::at(const Window& window) {
  const std::pair block{(window.x + window.width / 2) / block_width_,
                        (window.y + window.height / 2) / block_height_};
  const auto found = known_.find(block);
  if (found != known_.end()) return found->second;
  return known_[block] = estimate_(sample_of(block));
}

Samples read_shifted(const Raster& raster, const Grid& grid, const Window& window, const Point& exact) {
  const bool indexed = !raster.palette().empty();
  const Point shift = indexed ? Point{std::round(exact.x), std::round(exact.y)} : exact;
  const double floor_x = std::floor(shift.x);
  const double floor_y = std::floor(shift.y);
  const auto part_x = static_cast<float>(shift.x - floor_x);
  const auto part_y = static_cast<float>(shift.y - floor_y);
  const int64_t x0 = window.x + static_cast<int64_t>(floor_x);
  const int64_t y0 = window.y + static_cast<int64_t>(floor_y);
  const int64_t left = std::clamp<int64_t>(x0, 0, grid.width - 1);
  const int64_t top = std::clamp<int64_t>(y0, 0, grid.height - 1);
  const int64_t right = std::clamp<int64_t>(x0 + window.width + 1, left + 1, grid.width);
  const int64_t bottom = std::clamp<int64_t>(y0 + window.height + 1, top + 1, grid.height);
  const auto source = raster.read({left, top, right - left, bottom - top}, {bottom - top, right - left});
  const Clipped clipped{source, left - x0, top - y0};
  const auto pixels = static_cast<size_t>(window.width * window.height);
  const auto bands = static_cast<size_t>(raster.bands());
  Samples result{window.height, window.width, std::vector<float>(pixels * bands),
                 std::vector<uint8_t>(pixels, 1)};
  const Weight weights[] = {{0, 0, (1 - part_x) * (1 - part_y)},
                            {1, 0, part_x * (1 - part_y)},
                            {0, 1, (1 - part_x) * part_y},
                            {1, 1, part_x * part_y}};
  for (size_t i = 0; i < pixels; ++i) {
    const auto x = static_cast<int64_t>(i) % window.width;
    const auto y = static_cast<int64_t>(i) / window.width;
    for (const auto& [dx, dy, share] : weights) {
      if (share == 0.0F) continue;
      if (!clipped.has(x + dx, y + dy)) {
        result.valid[i] = 0;
        break;
      }
      const size_t from = clipped.index(x + dx, y + dy);
      for (size_t band = 0; band < bands; ++band)
        result.values[band * pixels + i] += share * source.values[band * source.pixels() + from];
    }
  }
  return result;
}

Samples ShrunkShifted::read(const Window& window, const BufferSize& size) const {
  const auto pixels = static_cast<size_t>(size.height * size.width);
  Samples result{size.height, size.width, std::vector<float>(pixels * static_cast<size_t>(raster_.bands())),
                 std::vector<uint8_t>(pixels, 0)};
  for (int64_t row = 0; row < size.height; ++row) {
    const int64_t top = start_of(row, size.height, window.height);
    const int64_t bottom = std::max(top + 1, start_of(row + 1, size.height, window.height));
    const auto rows =
        read_shifted(raster_, grid_, {window.x, window.y + top, window.width, bottom - top}, shift_);
    shrink(rows, !raster_.palette().empty(), row, result);
  }
  return result;
}

}  // namespace ccexpert::geo

#include "geo/overview.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace ccexpert::geo {
namespace {

/// Longest side of a picture.
constexpr int64_t kPictureSide = 1000;
constexpr int64_t kTileSide = 100;

/// Returns the first centre of a pixel at or after a place, of pixels with `step`.
int64_t first_centre(int64_t place, int64_t step) {
  return (2 * place + step - 1) / (2 * step);
}

/// Returns the mean of a channel over the pixels of a tile from (x, y), which has `side` pixels at most.
uint8_t mean_of(const image::Image& tile, const Window& square, size_t channel) {
  int64_t sum = 0, count = 0;
  for (int64_t y = square.y; y < std::min(square.y + square.height, tile.height); ++y) {
    for (int64_t x = square.x; x < std::min(square.x + square.width, tile.width); ++x, ++count)
      sum += tile.pixels[static_cast<size_t>(3 * (y * tile.width + x)) + channel];
  }
  return static_cast<uint8_t>(count == 0 ? 0 : sum / count);
}

}  // namespace

OverviewGrid::OverviewGrid(const Grid& scene, int64_t tile_side) {
  const int64_t longest = std::max(scene.width, scene.height);
  step = std::max(
      {int64_t{1}, (longest + kPictureSide - 1) / kPictureSide, (tile_side + kTileSide - 1) / kTileSide});
  width = std::max<int64_t>(1, first_centre(scene.width, step));
  height = std::max<int64_t>(1, first_centre(scene.height, step));
}

Window OverviewGrid::within(const Window& window) const {
  const int64_t x = first_centre(window.x, step);
  const int64_t y = first_centre(window.y, step);
  return {x, y, std::min(width, first_centre(window.x + window.width, step)) - x,
          std::min(height, first_centre(window.y + window.height, step)) - y};
}

std::string thumbnail_of(const image::Image& tile, const Window& window, const Window& part,
                         const OverviewGrid& grid) {
  const auto pixels = grid.within(part);
  const auto scaled = [](int64_t length, int64_t from, int64_t to) {
    return from == 0 ? 0 : length * to / from;
  };
  const int64_t step_x = std::max<int64_t>(1, scaled(grid.step, window.width, tile.width));
  const int64_t step_y = std::max<int64_t>(1, scaled(grid.step, window.height, tile.height));
  std::string digits;
  for (int64_t y = pixels.y; y < pixels.y + pixels.height; ++y) {
    for (int64_t x = pixels.x; x < pixels.x + pixels.width; ++x) {
      const Window square{scaled(std::max<int64_t>(0, x * grid.step - window.x), window.width, tile.width),
                          scaled(std::max<int64_t>(0, y * grid.step - window.y), window.height, tile.height),
                          step_x, step_y};
      for (size_t channel = 0; channel < 3; ++channel)
        digits += fmt::format("{:02x}", mean_of(tile, square, channel));
    }
  }
  return digits;
}

void place(const std::string& digits, const Window& part, const OverviewGrid& grid, image::Image& picture) {
  const auto pixels = grid.within(part);
  if (static_cast<int64_t>(digits.size()) != 6 * pixels.width * pixels.height) return;
  const char* from = digits.data();
  for (int64_t y = pixels.y; y < pixels.y + pixels.height; ++y) {
    for (int64_t i = 3 * pixels.x; i < 3 * (pixels.x + pixels.width); ++i, from += 2)
      std::from_chars(from, from + 2, picture.pixels[static_cast<size_t>(3 * y * picture.width + i)], 16);
  }
}

void paint(const Polygon& polygon, const OverviewGrid& grid, image::Image& picture) {
  const auto [left, right] = std::ranges::minmax(polygon.front(), {}, &Point::x);
  const auto [top, bottom] = std::ranges::minmax(polygon.front(), {}, &Point::y);
  const auto step = static_cast<double>(grid.step);
  const auto last = [](double at, int64_t length) { return std::min(length - 1, static_cast<int64_t>(at)); };
  for (int64_t y = static_cast<int64_t>(top.y / step); y <= last(bottom.y / step, picture.height); ++y) {
    for (int64_t x = static_cast<int64_t>(left.x / step); x <= last(right.x / step, picture.width); ++x) {
      const Point centre{(static_cast<double>(x) + 0.5) * step, (static_cast<double>(y) + 0.5) * step};
      auto* pixel = &picture.pixels[static_cast<size_t>(3 * (y * picture.width + x))];
      if (!contains(polygon, centre)) continue;
      pixel[0] = static_cast<uint8_t>(pixel[0] / 2 + 127);
      pixel[1] = static_cast<uint8_t>(pixel[1] / 2 + 40);
      pixel[2] = static_cast<uint8_t>(pixel[2] / 2);
    }
  }
}

}  // namespace ccexpert::geo

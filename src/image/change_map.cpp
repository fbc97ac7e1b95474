#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/image/change_map.h>

#include "core/foreign_errors.h"
#include "image/shared/resize.h"

namespace ccexpert::image {
namespace {

void expect_values(const ChangeMap& map) {
  if (map.grid > 0 && std::ssize(map.values) == map.grid * map.grid) return;
  fail_expected({"change map", fmt::format("{0} x {0} values", map.grid), std::to_string(map.values.size())});
}

void expect_pixels(int64_t height, int64_t width) {
  if (height > 0 && width > 0 && height <= kMostMapSide && width <= kMostMapSide) return;
  fail_expected({"change map", fmt::format("an image of 1 to {} px a side", kMostMapSide),
                 fmt::format("{} x {}", width, height)});
}

/// The two patches around a pixel along one side, and the share of the second.
struct Place {
  int64_t first;
  int64_t second;
  float share;
};

/// Returns the places of the pixels along one side. `longest` is the longer side of the image.
std::vector<Place> places(const ChangeMap& map, int64_t pixels, int64_t longest) {
  const double square = static_cast<double>(map.padded ? longest : pixels);
  const double margin = (square - static_cast<double>(pixels)) / 2.0;
  const double patches = static_cast<double>(map.grid) / (square * map.covered);
  const double last = static_cast<double>(map.grid - 1);
  std::vector<Place> found;
  for (int64_t pixel = 0; pixel < pixels; ++pixel) {
    const double centre = (static_cast<double>(pixel) + 0.5 + margin) * patches - 0.5;
    const double within = std::clamp(centre, 0.0, last);
    const auto first = static_cast<int64_t>(within);
    found.push_back(
        {first, std::min(first + 1, map.grid - 1), static_cast<float>(within - static_cast<double>(first))});
  }
  return found;
}

float mixed(float first, float second, float share) {
  return first + (second - first) * share;
}

using Colour = std::array<float, 3>;

/// Colours at equal steps from 0 to 1, of growing lightness, so that they also differ in grey.
constexpr std::array<Colour, 5> kColours{
    {{30, 10, 80}, {120, 28, 109}, {207, 68, 70}, {246, 140, 30}, {252, 240, 120}}};

Colour colour_of(float value) {
  const float place = value * static_cast<float>(kColours.size() - 1);
  const auto first = std::min(static_cast<size_t>(place), kColours.size() - 2);
  Colour colour{};
  for (size_t c = 0; c < 3; ++c)
    colour[c] = mixed(kColours[first][c], kColours[first + 1][c], place - static_cast<float>(first));
  return colour;
}

/// Share of the map's colour; the image stays visible under the largest values.
float opacity_of(float value) {
  constexpr float kMost = 0.75F;
  return kMost * std::min(1.0F, 1.5F * value);
}

}  // namespace

PixelMap at_pixels(const ChangeMap& map, int64_t height, int64_t width) try {
  expect_values(map);
  expect_pixels(height, width);
  const int64_t longest = std::max(height, width);
  const auto rows = places(map, height, longest), columns = places(map, width, longest);
  PixelMap pixels{height, width, {}};
  pixels.values.reserve(static_cast<size_t>(height * width));
  const auto value = [&](int64_t row, int64_t column) {
    return map.values[static_cast<size_t>(row * map.grid + column)];
  };
  for (const auto& row : rows) {
    for (const auto& column : columns) {
      const float top = mixed(value(row.first, column.first), value(row.first, column.second), column.share);
      const float bottom =
          mixed(value(row.second, column.first), value(row.second, column.second), column.share);
      pixels.values.push_back(mixed(top, bottom, row.share));
    }
  }
  return pixels;
} catch (...) {
  rethrow_as_error();
}

Image overlay(const ImageView& image, const ChangeMap& map) try {
  expect_valid(image, "overlay");
  const auto pixels = at_pixels(map, image.height, image.width);
  Image covered{image.height, image.width, {}};
  covered.pixels.reserve(3 * pixels.values.size());
  auto value = pixels.values.begin();
  for (int64_t y = 0; y < image.height; ++y) {
    const uint8_t* from = image.data + y * image.stride;
    for (int64_t x = 0; x < image.width; ++x, ++value) {
      const float strength = std::clamp(*value, 0.0F, 1.0F), opacity = opacity_of(strength);
      const auto colour = colour_of(strength);
      for (size_t c = 0; c < 3; ++c, ++from)
        covered.pixels.push_back(
            static_cast<uint8_t>(std::lround(mixed(static_cast<float>(*from), colour[c], opacity))));
    }
  }
  return covered;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::image

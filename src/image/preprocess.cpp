#include <algorithm>
#include <string>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/image/preprocess.h>

#include "core/foreign_errors.h"
#include "image/shared/resize.h"

namespace ccexpert::image {
namespace {

/// Returns the image in the middle of a square of the mean colour.
Image pad_to_square(const ImageView& image, const std::array<double, 3>& mean) {
  const int64_t side = std::max(image.height, image.width);
  Image square{side, side, std::vector<uint8_t>(static_cast<size_t>(side * side * 3))};
  for (size_t i = 0; i < square.pixels.size(); ++i)
    square.pixels[i] = static_cast<uint8_t>(mean[i % 3] * 255.0);
  const int64_t top = (side - image.height) / 2, left = (side - image.width) / 2;
  for (int64_t y = 0; y < image.height; ++y) {
    const uint8_t* row = image.data + y * image.stride;
    std::copy(row, row + 3 * image.width, square.pixels.data() + ((top + y) * side + left) * 3);
  }
  return square;
}

/// Returns the normalised value of each of the 256 sample values in one channel.
std::array<float, 256> value_table(double mean, double deviation) {
  std::array<float, 256> table{};
  for (size_t value = 0; value < table.size(); ++value) {
    const auto scaled = static_cast<float>(static_cast<double>(value) * (1.0 / 255.0));
    table[value] = (scaled - static_cast<float>(mean)) / static_cast<float>(deviation);
  }
  return table;
}

}  // namespace

void preprocess(const ImageView& image, const PreprocessConfig& config, std::span<float> planes) try {
  expect_valid(image, "preprocess");
  const auto pixels = static_cast<size_t>(config.size * config.size);
  if (planes.size() != 3 * pixels) {
    fail_expected(
        {"preprocess", fmt::format("space for {} values", 3 * pixels), std::to_string(planes.size())});
  }
  const bool pad = config.aspect == AspectMode::kPad && image.height != image.width;
  const Image padded = pad ? pad_to_square(image, config.mean) : Image{};
  const Image resized = resize_bicubic(pad ? padded.view() : image, config.size, config.size);
  for (size_t channel = 0; channel < 3; ++channel) {
    const auto table = value_table(config.mean[channel], config.deviation[channel]);
    float* plane = planes.data() + channel * pixels;
    for (size_t i = 0; i < pixels; ++i) plane[i] = table[resized.pixels[3 * i + channel]];
  }
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::image

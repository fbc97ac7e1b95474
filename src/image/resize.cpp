#include "image/shared/resize.h"

#include <algorithm>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/foreign_errors.h"

namespace ccexpert::image {
namespace {

constexpr double kBicubicA = -0.5;
constexpr double kBicubicSupport = 2.0;
// 32 bits, minus 8 for the sample and 2 for sums that overshoot.
constexpr int kFractionBits = 32 - 8 - 2;

double bicubic(double x) {
  x = std::abs(x);
  if (x < 1.0) return ((kBicubicA + 2.0) * x - (kBicubicA + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * kBicubicA;
  return 0.0;
}

/// Input samples of one output sample: index of the first, and their number.
struct Window {
  int64_t first;
  int64_t count;
};

/// Fixed-point weights of every output sample; row i of `weights` has `taps` elements.
struct Filter {
  int64_t taps;
  std::vector<Window> windows;
  std::vector<int32_t> weights;

  const int32_t* row(int64_t i) const { return weights.data() + i * taps; }
};

/// Truncates a coordinate as Pillow does, instead of rounding.
int64_t truncated(double value) {
  return static_cast<int64_t>(value);
}

Filter make_filter(int64_t input, int64_t output) {
  const double scale = static_cast<double>(input) / static_cast<double>(output);
  const double widening = std::max(scale, 1.0);
  const double support = kBicubicSupport * widening;
  Filter filter;
  filter.taps = static_cast<int64_t>(std::ceil(support)) * 2 + 1;
  filter.weights.resize(static_cast<size_t>(output * filter.taps));
  std::vector<double> values(static_cast<size_t>(filter.taps));
  for (int64_t i = 0; i < output; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const int64_t first = std::max<int64_t>(truncated(center - support + 0.5), 0);
    const int64_t last = std::min<int64_t>(truncated(center + support + 0.5), input);
    double sum = 0.0;
    for (int64_t x = first; x < last; ++x) {
      const double value = bicubic((static_cast<double>(x) - center + 0.5) * (1.0 / widening));
      values[static_cast<size_t>(x - first)] = value;
      sum += value;
    }
    for (int64_t x = 0; x < last - first; ++x) {
      const double weight = values[static_cast<size_t>(x)] / sum * (1 << kFractionBits);
      filter.weights[static_cast<size_t>(i * filter.taps + x)] =
          static_cast<int32_t>(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
    filter.windows.push_back({first, last - first});
  }
  return filter;
}

uint8_t to_byte(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

constexpr int32_t kHalf = 1 << (kFractionBits - 1);

Image resize_rows(const ImageView& image, int64_t width) {
  const auto filter = make_filter(image.width, width);
  Image result{image.height, width, std::vector<uint8_t>(static_cast<size_t>(image.height * width * 3))};
  for (int64_t y = 0; y < image.height; ++y) {
    const uint8_t* row = image.data + y * image.stride;
    uint8_t* to = result.pixels.data() + y * width * 3;
    for (int64_t x = 0; x < width; ++x, to += 3) {
      const auto window = filter.windows[static_cast<size_t>(x)];
      const int32_t* weight = filter.row(x);
      const uint8_t* from = row + 3 * window.first;
      int32_t red = kHalf, green = kHalf, blue = kHalf;
      for (int64_t i = 0; i < window.count; ++i, from += 3) {
        red += weight[i] * from[0];
        green += weight[i] * from[1];
        blue += weight[i] * from[2];
      }
      to[0] = to_byte(red);
      to[1] = to_byte(green);
      to[2] = to_byte(blue);
    }
  }
  return result;
}

Image resize_columns(const ImageView& image, int64_t height) {
  const auto filter = make_filter(image.height, height);
  const int64_t samples = 3 * image.width;
  Image result{height, image.width, std::vector<uint8_t>(static_cast<size_t>(height * samples))};
  std::vector<int32_t> sums(static_cast<size_t>(samples));
  for (int64_t y = 0; y < height; ++y) {
    const auto window = filter.windows[static_cast<size_t>(y)];
    std::fill(sums.begin(), sums.end(), kHalf);
    // Row by row, so that the inner loop runs along memory and vectorises.
    for (int64_t i = 0; i < window.count; ++i) {
      const int32_t weight = filter.row(y)[i];
      const uint8_t* from = image.data + (window.first + i) * image.stride;
      for (int64_t x = 0; x < samples; ++x) sums[static_cast<size_t>(x)] += weight * from[x];
    }
    uint8_t* to = result.pixels.data() + y * samples;
    for (int64_t x = 0; x < samples; ++x) to[x] = to_byte(sums[static_cast<size_t>(x)]);
  }
  return result;
}

/// True if Pillow resizes columns before rows. Each pass rounds, so their order shows in the result. The rule
/// was found by trying thousands of sizes with Pillow 13, which resizes columns first if they shrink much
/// more.
bool columns_first(const ImageView& image, int64_t height, int64_t width) {
  return image.height > height && image.height - height > 2 * (image.width - width);
}

Image copy_of(const ImageView& image) {
  Image copy{image.height, image.width, {}};
  copy.pixels.reserve(static_cast<size_t>(image.height * image.width * 3));
  for (int64_t y = 0; y < image.height; ++y) {
    const uint8_t* row = image.data + y * image.stride;
    copy.pixels.insert(copy.pixels.end(), row, row + 3 * image.width);
  }
  return copy;
}

}  // namespace

void expect_valid(const ImageView& image, const char* name) {
  if (image.data == nullptr || image.height < 1 || image.width < 1 || image.stride < 3 * image.width) {
    fail_expected({name, "an image with pixels and a stride of at least 3 * width",
                   fmt::format("{} x {} pixels, stride {}{}", image.width, image.height, image.stride,
                               image.data == nullptr ? ", no data" : "")});
  }
}

Image resize_bicubic(const ImageView& image, int64_t height, int64_t width) try {
  expect_valid(image, "resize");
  if (height < 1 || width < 1)
    fail_expected({"resize", "a size of at least 1 x 1", fmt::format("{} x {}", width, height)});
  if (image.width == width && image.height == height) return copy_of(image);
  if (image.width == width) return resize_columns(image, height);
  if (columns_first(image, height, width)) return resize_rows(resize_columns(image, height).view(), width);
  auto rows = resize_rows(image, width);
  return image.height == height ? rows : resize_columns(rows.view(), height);
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::image

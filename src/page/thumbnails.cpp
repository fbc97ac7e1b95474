#include "page/thumbnails.h"

#include <algorithm>
#include <cmath>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

#include <ccexpert/image/decode.h>

#include "core/foreign_errors.h"
#include "image/shared/encode.h"
#include "page/html.h"

namespace ccexpert::page {
namespace {

/// Quality of WebP from 1 to 100.
constexpr float kQuality = 75.0F;

cv::Mat mat_of(const image::Image& image) {
  return {static_cast<int>(image.height), static_cast<int>(image.width), CV_8UC3,
          const_cast<uint8_t*>(image.pixels.data())};
}

/// Scales `length` so that the longer side becomes `side`.
int scaled(int64_t length, int64_t longer, int64_t side) {
  return std::max(
      1, static_cast<int>(std::lround(static_cast<double>(length * side) / static_cast<double>(longer))));
}

}  // namespace

image::Image thumbnail(const image::Image& image, int64_t side, bool mask) try {
  const auto longer = std::max(image.height, image.width);
  const cv::Size size(scaled(image.width, longer, side), scaled(image.height, longer, side));
  cv::Mat small, source = mat_of(image);
  if (mask) source = source > 0;
  cv::resize(source, small, size, 0, 0,
             mask            ? cv::INTER_NEAREST
             : longer > side ? cv::INTER_AREA
                             : cv::INTER_CUBIC);
  const auto* data = small.ptr<uint8_t>();
  return {small.rows, small.cols, std::vector<uint8_t>(data, data + 3 * small.total())};
} catch (...) {
  rethrow_as_error();
}

std::string data_uri(const image::Image& image) {
  return "data:image/png;base64," + base64(image::encode_png(image.view()));
}

std::string webp_uri(const image::Image& image) {
  return "data:image/webp;base64," + base64(image::encode_webp(image.view(), kQuality));
}

}  // namespace ccexpert::page

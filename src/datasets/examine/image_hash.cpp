#include "datasets/examine/image_hash.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace ccexpert::datasets {
namespace {

/// Deviation of brightness below which an image has no contrast and its hash is noise.
constexpr double kFlat = 4.0;

cv::Mat shrunk(const cv::Mat& grey, int width, int height) {
  cv::Mat small;
  cv::resize(grey, small, {width, height}, 0, 0, cv::INTER_AREA);
  return small;
}

void add_contrast(ImageHash& hash) {
  double sum = 0.0, squares = 0.0;
  for (const auto value : hash.brightness) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  hash.mean = sum / 256.0;
  hash.deviation = std::sqrt(std::max(0.0, squares / 256.0 - hash.mean * hash.mean));
}

double correlation(const ImageHash& a, const ImageHash& b) {
  double sum = 0.0;
  for (size_t i = 0; i < a.brightness.size(); ++i) {
    sum += (a.brightness[i] - a.mean) * (b.brightness[i] - b.mean);
  }
  return sum / 256.0 / (a.deviation * b.deviation);
}

bool nearly_equal(const ImageHash& a, const ImageHash& b) {
  double difference = 0.0;
  for (size_t i = 0; i < a.brightness.size(); ++i) difference += std::abs(a.brightness[i] - b.brightness[i]);
  return difference / 256.0 < 1.0;
}

}  // namespace

ImageHash hash_of(const image::ImageView& image) {
  const cv::Mat rgb(static_cast<int>(image.height), static_cast<int>(image.width), CV_8UC3,
                    const_cast<uint8_t*>(image.data), static_cast<size_t>(image.stride));
  cv::Mat grey;
  cv::cvtColor(rgb, grey, cv::COLOR_RGB2GRAY);
  const auto wide = shrunk(grey, 9, 8), high = shrunk(grey, 8, 9), small = shrunk(grey, 16, 16);
  ImageHash hash;
  for (int y = 0; y < 8; ++y) {
    for (int x = 0; x < 8; ++x) {
      const uint64_t bit = uint64_t{1} << (8 * y + x);
      if (wide.at<uint8_t>(y, x) > wide.at<uint8_t>(y, x + 1)) hash.across |= bit;
      if (high.at<uint8_t>(y, x) > high.at<uint8_t>(y + 1, x)) hash.down |= bit;
    }
  }
  std::copy(small.begin<uint8_t>(), small.end<uint8_t>(), hash.brightness.begin());
  add_contrast(hash);
  return hash;
}

int64_t distance(const ImageHash& a, const ImageHash& b) {
  return std::popcount(a.across ^ b.across) + std::popcount(a.down ^ b.down);
}

bool look_alike(const ImageHash& a, const ImageHash& b, int64_t most) {
  if (a.deviation < kFlat || b.deviation < kFlat)
    return std::abs(a.mean - b.mean) < 1.0 && nearly_equal(a, b);
  constexpr double kAlike = 0.97;
  return distance(a, b) <= most && correlation(a, b) >= kAlike;
}

}  // namespace ccexpert::datasets

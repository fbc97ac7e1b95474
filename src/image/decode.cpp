#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include <fmt/format.h>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>
#include <ccexpert/image/resize.h>

#include "core/files.h"
#include "image/probe.h"

namespace ccexpert {
namespace {

constexpr size_t kMaxFileBytes = size_t{1} << 30;

void expect_sane(const ImageHeader& header, std::string_view name) {
  const auto sizes = fmt::format("{} x {} pixels", header.width, header.height);
  if (header.width < 1 || header.height < 1) fail({name, "at least 1 x 1 pixels", sizes});
  if (header.width > kMaxImagePixels / header.height) {
    fail({name, fmt::format("at most {} pixels", kMaxImagePixels), sizes, "cut it into tiles first"});
  }
  if (!header.complete) fail({name, fmt::format("a whole {} image", header.format), "a truncated file"});
}

/// The pixels as the file has them: no orientation, no conversion of depth.
cv::Mat decode_raw(std::span<const uint8_t> bytes, std::string_view name, std::string_view format) {
  static const bool quiet = [] {
    // The message is in our Error; OpenCV would print its own beside it.
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    return true;
  }();
  static_cast<void>(quiet);
  cv::Mat decoded;
  try {
    const cv::Mat view(1, static_cast<int>(bytes.size()), CV_8U, const_cast<uint8_t*>(bytes.data()));
    decoded = cv::imdecode(view, cv::IMREAD_UNCHANGED);
  } catch (const cv::Exception& error) {
    fail({name, fmt::format("a whole {} image", format), "damaged data", error.err});
  }
  if (decoded.empty()) fail({name, fmt::format("a whole {} image", format), "damaged data"});
  return decoded;
}

/// One sample to 8 bits as Pillow does: a single 16-bit channel is clipped, colour channels keep their high
/// byte.
uint8_t to_byte(uint16_t sample, bool clip) {
  return static_cast<uint8_t>(clip ? std::min<int>(sample, 255) : sample >> 8);
}

template <class Sample>
void copy_row(const cv::Mat& from, int y, uint8_t* to) {
  const auto* row = from.ptr<Sample>(y);
  const int channels = from.channels();
  for (int x = 0; x < from.cols; ++x, row += channels, to += 3) {
    for (int c = 0; c < 3; ++c) {
      const Sample sample = row[channels < 3 ? 0 : 2 - c];  // OpenCV keeps blue first
      if constexpr (sizeof(Sample) == 1) {
        to[c] = sample;
      } else {
        to[c] = to_byte(sample, channels < 3);
      }
    }
  }
}

Image to_rgb(const cv::Mat& decoded, std::string_view name) {
  Image image{decoded.rows, decoded.cols, std::vector<uint8_t>(decoded.total() * 3)};
  for (int y = 0; y < decoded.rows; ++y) {
    uint8_t* row = image.pixels.data() + static_cast<size_t>(y) * static_cast<size_t>(decoded.cols) * 3;
    switch (decoded.depth()) {
      case CV_8U:
        copy_row<uint8_t>(decoded, y, row);
        break;
      case CV_16U:
        copy_row<uint16_t>(decoded, y, row);
        break;
      default:
        fail({name, "8 or 16 bits a channel", "another depth", "convert it to 8 bits first"});
    }
  }
  return image;
}

}  // namespace

Image decode_image(std::span<const uint8_t> bytes, std::string_view name) {
  const auto header = probe_image(bytes, name);
  expect_sane(header, name);
  return to_rgb(decode_raw(bytes, name, header.format), name);
}

Image decode_image(const std::filesystem::path& path) {
  const std::string bytes = read_file(path, kMaxFileBytes);
  return decode_image({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, path.string());
}

std::string encode_png(const ImageView& image) {
  expect_valid(image, "encode_png");
  cv::Mat bgr(static_cast<int>(image.height), static_cast<int>(image.width), CV_8UC3);
  for (int y = 0; y < bgr.rows; ++y) {
    const uint8_t* from = image.data + y * image.stride;
    auto* to = bgr.ptr<uint8_t>(y);
    for (int x = 0; x < bgr.cols; ++x, from += 3, to += 3) {
      to[0] = from[2];
      to[1] = from[1];
      to[2] = from[0];
    }
  }
  std::vector<uint8_t> bytes;
  if (!cv::imencode(".png", bgr, bytes)) fail("PNG", "cannot be encoded");
  return {bytes.begin(), bytes.end()};
}

void write_png(const std::filesystem::path& path, const ImageView& image) {
  const auto bytes = encode_png(image);
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) fail(path.string(), "cannot be written", std::strerror(errno));
}

}  // namespace ccexpert

#include <cerrno>
#include <fstream>
#include <string>

#include <opencv2/imgcodecs.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/image/decode.h>

#include "core/foreign_errors.h"
#include "image/shared/resize.h"

namespace ccexpert::image {

std::string encode_png(const ImageView& image) try {
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
} catch (...) {
  rethrow_as_error();
}

void write_png(const std::filesystem::path& path, const ImageView& image) try {
  const auto bytes = encode_png(image);
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) fail_system(path.string(), "cannot be written", errno);
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::image

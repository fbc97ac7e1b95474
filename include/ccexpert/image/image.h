/// Images at the library's interface: 8-bit RGB in memory, no third-party type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ccexpert::image {

/// View of 8-bit RGB pixels that the caller owns, row by row; pixel (y, x) starts at `data + y * stride + 3 *
/// x`.
struct ImageView {
  const uint8_t* data = nullptr;  ///< first pixel
  int64_t height = 0;             ///< rows
  int64_t width = 0;              ///< columns
  int64_t stride = 0;             ///< bytes from one row to the next, at least 3 * width
};

/// Owned 8-bit RGB pixels, rows packed: `pixels.size() == height * width * 3`.
struct Image {
  int64_t height = 0;           ///< pixels
  int64_t width = 0;            ///< pixels
  std::vector<uint8_t> pixels;  ///< rows of RGB without gaps

  ImageView view() const { return {pixels.data(), height, width, 3 * width}; }  ///< of the whole image
};

}  // namespace ccexpert::image

/// Images as the library takes and gives them: 8-bit RGB in memory, no third-party type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ccexpert {

/// Somebody else's 8-bit RGB pixels, row by row; pixel (y, x) starts at `data + y * stride + 3 * x`.
struct ImageView {
  const uint8_t* data = nullptr;
  int64_t height = 0;  ///< rows
  int64_t width = 0;   ///< columns
  int64_t stride = 0;  ///< bytes from one row to the next, at least 3 * width
};

/// 8-bit RGB pixels of its own, rows packed: `pixels.size() == height * width * 3`.
struct Image {
  int64_t height = 0;
  int64_t width = 0;
  std::vector<uint8_t> pixels;

  ImageView view() const { return {pixels.data(), height, width, 3 * width}; }
};

}  // namespace ccexpert

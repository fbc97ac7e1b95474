// Headers of a BMP file.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "image/codec.h"

namespace ccexpert::image {

struct BmpHeader {
  int64_t width = 0;
  int64_t height = 0;
  bool top_down = false;
  unsigned bits = 0;  ///< per pixel
  enum Compression : uint32_t { kNone = 0, kRle8 = 1, kRle4 = 2, kBitFields = 3 };
  uint32_t compression = kNone;
  std::array<uint32_t, 4> masks{};  ///< of red, green, blue and alpha, with kBitFields
  std::vector<std::array<uint8_t, 3>>
      palette{};         ///< red, green and blue of each colour, up to 8 bits a pixel
  size_t pixels_at = 0;  ///< offset of the pixels in the file
};

/// Throws Error for headers that end early, and for unsupported kinds, which it names.
BmpHeader read_bmp_header(const ImageFile& file);

}  // namespace ccexpert::image

// Decoded samples of a TIFF to RGB: which bands become colours, and how.
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "image/tiff_file.h"

namespace ccexpert {

/// A run of pixels of one row. Sample i of band b lies at `band[b] + i * step`, in bytes; a band of less than
/// 8 bits or of 12 is packed, and `step` is not used.
struct TiffRun {
  std::array<const uint8_t*, 4> band{};
  size_t step = 0;
  size_t pixels = 0;
};

/// How to turn samples into RGB.
struct TiffConversion {
  int bands = 1;  ///< of how many bands, from the first
  std::function<void(const TiffRun& run, uint8_t* rgb)> convert;
};

/// The conversion for a file that is not YCbCr. Throws Error for a kind that is not read.
TiffConversion tiff_conversion(const TiffFile& file);

}  // namespace ccexpert

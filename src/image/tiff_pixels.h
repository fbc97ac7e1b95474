// Conversion of a TIFF's decoded samples to RGB.
#pragma once

#include <array>
#include <cstdint>
#include <functional>

#include "image/tiff_file.h"

namespace ccexpert::image {

/// Run of pixels in one row. Sample i of band b is at `band[b] + i * step`, in bytes; a band of less than 8
/// bits or of 12 is packed, and `step` is not used.
struct TiffRun {
  std::array<const uint8_t*, 4> band{};
  size_t step = 0;
  size_t pixels = 0;
};

/// Conversion of samples to RGB.
struct TiffConversion {
  int bands = 1;  ///< number of bands used, from the first
  std::function<void(const TiffRun& run, uint8_t* rgb)> convert;
};

/// Returns the conversion for a file that is not YCbCr. Throws Error for an unsupported kind.
TiffConversion tiff_conversion(const TiffFile& file);

}  // namespace ccexpert::image

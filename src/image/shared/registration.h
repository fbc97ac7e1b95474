/// Shift between two images of one place.
#pragma once

#include <ccexpert/image/image.h>

namespace ccexpert::image {

/// Shift of the later image against the earlier one.
struct Shift {
  double x = 0.0;  ///< pixels to the right
  double y = 0.0;  ///< pixels downwards
  /// Height of the correlation's peak over that of the next one; 0 without a peak. Two dates that differ by
  /// much have a low peak, which counts if it stands alone.
  double distinction = 0.0;
};

/// Estimates the shift by phase correlation of the luminance under a Hanning window (Kuglin and Hines, 1975),
/// with Gaussian weights of the frequencies, so that the peak has a sub-pixel position. Peaks are looked for
/// up to `largest` pixels to each side. Throws Error for images that differ in size or have no pixels.
Shift estimated_shift(const ImageView& before, const ImageView& after, int64_t largest);

}  // namespace ccexpert::image

/// Shift between two images of one place.
#pragma once

#include <ccexpert/image/image.h>

namespace ccexpert::image {

/// Shift of the later image against the earlier one.
struct Shift {
  double x = 0.0;         ///< pixels to the right
  double y = 0.0;         ///< pixels downwards
  double response = 0.0;  ///< height of the peak in [0, 1]; 1: the images differ only by the shift
};

/// Estimates the shift by phase correlation of the luminance under a Hanning window (Kuglin and Hines, 1975),
/// with Gaussian weights of the frequencies, so that the peak has a sub-pixel position. Throws Error for
/// images that differ in size or have no pixels.
Shift estimated_shift(const ImageView& before, const ImageView& after);

}  // namespace ccexpert::image

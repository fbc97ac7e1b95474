// Orientation tag of a TIFF.
#pragma once

#include <cstdint>

#include <ccexpert/image/image.h>

namespace ccexpert::image {

/// True if an orientation (TIFF tag 274) exchanges width and height.
constexpr bool is_transposed(uint16_t orientation) {
  return orientation >= 5 && orientation <= 8;
}

/// Returns the image upright: mirrored or rotated according to `orientation`; unchanged if that is not 2 to
/// 8.
Image oriented(Image image, uint16_t orientation);

}  // namespace ccexpert::image

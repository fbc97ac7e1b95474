// A TIFF's orientation tag.
#pragma once

#include <cstdint>

#include <ccexpert/image/image.h>

namespace ccexpert {

/// Whether an orientation (TIFF tag 274) exchanges width and height.
constexpr bool is_transposed(uint16_t orientation) {
  return orientation >= 5 && orientation <= 8;
}

/// The image as it is to be seen: mirrored or turned as `orientation` says; unchanged if it is not 2 to 8.
Image oriented(Image image, uint16_t orientation);

}  // namespace ccexpert

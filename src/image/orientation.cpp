#include "image/orientation.h"

#include <algorithm>
#include <utility>

namespace ccexpert::image {

Image oriented(Image image, uint16_t orientation) {
  if (orientation < 2 || orientation > 8) return image;
  const bool transposed = is_transposed(orientation);
  // The tag names the sides of the first row and the first column.
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Image seen{transposed ? image.width : image.height, transposed ? image.height : image.width, {}};
  seen.pixels.resize(image.pixels.size());
  uint8_t* to = seen.pixels.data();
  for (int64_t y = 0; y < seen.height; ++y) {
    for (int64_t x = 0; x < seen.width; ++x, to += 3) {
      const int64_t row = transposed ? x : y, column = transposed ? y : x;
      const int64_t from_y = from_bottom ? image.height - 1 - row : row;
      const int64_t from_x = from_right ? image.width - 1 - column : column;
      std::copy_n(image.pixels.data() + 3 * (from_y * image.width + from_x), 3, to);
    }
  }
  return seen;
}

}  // namespace ccexpert::image

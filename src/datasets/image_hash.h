// Near duplicates of images, found by brightness.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <ccexpert/image/image.h>

namespace ccexpert::datasets {

/// Where brightness falls from left to right and from top to bottom, on 8 x 8 places each (dHash), and the
/// brightness itself on 16 x 16.
struct ImageHash {
  uint64_t across = 0;
  uint64_t down = 0;
  std::array<uint8_t, 256> brightness{};
  double mean = 0.0;       ///< of the brightness
  double deviation = 0.0;  ///< of the brightness
};

ImageHash hash_of(const ImageView& image);

/// Bits of the 128 in which two differ.
int64_t distance(const ImageHash& a, const ImageHash& b);

/// Whether two images look alike: hashes within `most` bits, and brightness that differs by less than a
/// sensor's noise after both are brought to one mean and contrast. Images without contrast are alike only
/// where they are nearly equal: their hashes are noise.
bool look_alike(const ImageHash& a, const ImageHash& b, int64_t most);

}  // namespace ccexpert::datasets

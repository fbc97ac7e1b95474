// Perceptual hashes for near-duplicate images, based on brightness.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <ccexpert/image/image.h>

namespace ccexpert::datasets {

/// Bits for falling brightness from left to right and from top to bottom on 8 x 8 cells each (dHash), and the
/// brightness itself on 16 x 16 cells.
struct ImageHash {
  uint64_t across = 0;
  uint64_t down = 0;
  std::array<uint8_t, 256> brightness{};
  double mean = 0.0;       ///< of the brightness
  double deviation = 0.0;  ///< of the brightness
};

ImageHash hash_of(const image::ImageView& image);

/// Returns the number of differing bits of 128.
int64_t distance(const ImageHash& a, const ImageHash& b);

/// True if two images look alike: their hashes differ by at most `most` bits, and their brightness,
/// normalised to one mean and contrast, by less than sensor noise. Images without contrast must be nearly
/// equal, because their hashes are noise.
bool look_alike(const ImageHash& a, const ImageHash& b, int64_t most);

}  // namespace ccexpert::datasets

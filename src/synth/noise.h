// Random textures, created once and read by every scene at its own offsets.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "synth/shared/pair.h"

namespace ccexpert::synth {

/// Periodic square of noise; mean 0, deviation 32.
class Tile {
 public:
  static constexpr size_t kSide = 512;

  Tile(uint64_t seed, double across, double down);

  /// Rows are extended, so that images need not wrap around at the tile's side.
  static constexpr size_t kRow = kLargestSize + 256;

  int at(size_t x, size_t y) const { return row(y)[x & (kSide - 1)]; }
  const int8_t* row(size_t y) const { return values_.data() + (y & (kSide - 1)) * kRow; }
  void mix(const Tile& other, double share);

 private:
  std::vector<int8_t> values_;  ///< [kSide,kRow], each row continues periodically
};

struct Noise {
  Tile fine{1, 0, 0};      ///< grain of a pixel
  Tile small{2, 1, 1};     ///< clods and tufts, a metre
  Tile middle{3, 4, 4};    ///< shrubs and spots, some metres
  Tile large{4, 26, 26};   ///< parts of a field
  Tile streak{5, 18, 1};   ///< rows and tracks
  Tile upright{8, 1, 18};  ///< the same, vertical
  Tile rough{9, 48, 48};   ///< spots of all sizes, as soil and thickets have

  Noise();
};

/// Returns the textures of this process. Creating them takes about 0.1 s.
const Noise& noise();

/// Tree crown seen from above.
struct Crown {
  int side = 0;
  std::vector<uint8_t> alpha;
  std::vector<int8_t> slope_x;  ///< of its surface, 64 for 45 degrees
  std::vector<int8_t> slope_y;
  std::vector<uint8_t> height;  ///< 255 at the top
};

/// Returns one of several crowns of about `radius` pixels.
const Crown& crown(double radius, uint32_t look);

}  // namespace ccexpert::synth

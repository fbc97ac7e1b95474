// Places of parameters in a flat tensor that is divided into equal shards, one per rank.
#pragma once

#include <cstdint>
#include <vector>

namespace ccexpert::train {

/// Parameters and shards start at multiples of this many elements, so that collectives and kernels see
/// aligned memory: at an odd offset, matrix products on a GPU use a kernel that is several times slower.
constexpr int64_t kFlatAlignment = 64;

constexpr int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

struct FlatLayout {
  std::vector<int64_t> offsets;  ///< of each parameter
  int64_t elements = 0;          ///< gaps between parameters included
  int64_t padded = 0;            ///< of all shards
  int64_t shard_begin = 0;
  int64_t shard_size = 0;

  /// Adds a parameter with `count` elements.
  void place(int64_t count) {
    offsets.push_back(round_up(elements, kFlatAlignment));
    elements = offsets.back() + count;
  }
  /// Selects shard `rank` of `ranks`. Call it once, after all parameters are placed.
  void divide(int64_t rank, int64_t ranks) {
    padded = round_up(elements, kFlatAlignment * ranks);
    shard_size = padded / ranks;
    shard_begin = rank * shard_size;
  }
};

}  // namespace ccexpert::train

// Index of pair hashes for near-duplicate search.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "datasets/examine/image_hash.h"

namespace ccexpert::datasets {

struct PairHash {
  ImageHash before;
  ImageHash after;
};

struct Likeness {
  size_t number = 0;  ///< index of the pair
  bool before = false;
  bool after = false;
  int64_t distance = 0;
};

class HashIndex {
 public:
  void add(const PairHash& pair) { pairs_.push_back(pair); }
  bool empty() const { return pairs_.empty(); }

  /// Returns the nearest pair of which both images look alike, or at least one if `one_suffices`.
  std::optional<Likeness> find(const PairHash& pair, int64_t most, bool one_suffices) const;

 private:
  std::vector<PairHash> pairs_;
};

}  // namespace ccexpert::datasets

// Hashes of images.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace ccexpert::generate {

/// XXH3 of 128 bits under a random key of its own: images made to have equal hashes in one object do not have
/// them in another.
class KeyedHash {
 public:
  using Value = std::pair<uint64_t, uint64_t>;

  KeyedHash();
  Value operator()(const void* data, size_t bytes) const;

 private:
  const uint64_t seed_;
};

}  // namespace ccexpert::generate

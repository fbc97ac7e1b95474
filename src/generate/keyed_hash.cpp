#include "generate/keyed_hash.h"

#include <random>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace ccexpert::generate {
namespace {

uint64_t random_seed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

}  // namespace

KeyedHash::KeyedHash() : seed_(random_seed()) {}

KeyedHash::Value KeyedHash::operator()(const void* data, size_t bytes) const {
  const auto hash = XXH3_128bits_withSeed(data, bytes, seed_);
  return {hash.high64, hash.low64};
}

}  // namespace ccexpert::generate

#include "eval/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace ccexpert::eval {

uint64_t word_hash(std::string_view word) {
  return XXH3_64bits(word.data(), word.size());
}

uint64_t phrase_hash(std::span<const uint64_t> word_hashes) {
  return XXH3_64bits(word_hashes.data(), word_hashes.size_bytes());
}

uint64_t content_hash(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace ccexpert::eval

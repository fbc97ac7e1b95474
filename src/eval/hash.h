// Hashes of words, of phrases and of files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace ccexpert::eval {

/// 64-bit hashes: the chance that another word sequence collides with one of the index's three million
/// phrases is below 1e-12.
uint64_t word_hash(std::string_view word);
uint64_t phrase_hash(std::span<const uint64_t> word_hashes);

/// Returns XXH3 of a file's bytes, to detect damage.
uint64_t content_hash(std::span<const std::byte> bytes);

}  // namespace ccexpert::eval

// Hashes that name words and phrases in METEOR's index.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ccexpert::eval {

/// 64 bits: among the three million phrases of the index, the chance that another word sequence is taken for
/// one of them is below 1e-12.
uint64_t word_hash(std::string_view word);
uint64_t phrase_hash(std::span<const uint64_t> word_hashes);

}  // namespace ccexpert::eval

// Layout of an index file.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace ccexpert::eval {

/// Sections in file order; each starts at a multiple of eight bytes.
enum IndexSection : size_t {
  kPhraseKeys,
  kPhraseOffsets,
  kParaphrases,
  kSynonymKeys,
  kSynonymOffsets,
  kSynsets,
  kIrregularKeys,
  kIrregularOffsets,
  kBaseForms,
  kFunctionWords,
  kAbbreviations,
  kIndexSections
};

/// The last character is the version.
constexpr std::array<char, 8> kIndexMagic{'c', 'c', 'x', 'm', 't', 'e', 'o', '2'};

struct IndexHeader {
  std::array<char, 8> magic = kIndexMagic;
  uint64_t hash = 0;  ///< see index_hash
  uint64_t source_key = 0;
  std::array<uint64_t, kIndexSections> bytes{};  ///< of each section, without padding
};

constexpr uint64_t padded(uint64_t bytes) {
  return (bytes + 7) / 8 * 8;
}

/// Returns the hash of an index: of the header after the hash, and of every section.
uint64_t index_hash(const IndexHeader& header, std::span<const std::span<const std::byte>> sections);

}  // namespace ccexpert::eval

// The layout of an index file.
#pragma once

#include <array>
#include <cstdint>

namespace ccexpert::eval {

/// In the order of the file; each begins at a multiple of eight bytes.
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

constexpr std::array<char, 8> kIndexMagic{'c', 'c', 'x', 'm', 't', 'e', 'o', '1'};

struct IndexHeader {
  std::array<char, 8> magic = kIndexMagic;
  uint64_t source_key = 0;
  std::array<uint64_t, kIndexSections> bytes{};  ///< of each section, without padding
};

constexpr uint64_t padded(uint64_t bytes) {
  return (bytes + 7) / 8 * 8;
}

}  // namespace ccexpert::eval

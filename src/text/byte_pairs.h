// Byte-pair encoding: merges a word's bytes pair by pair in the order of the merges' ranks.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ccexpert::text {

class BytePairs {
 public:
  /// Result of merging two neighbouring tokens, and its rank.
  struct Merge {
    uint32_t rank;
    uint32_t id;
  };

  void set_byte(uint8_t byte, uint32_t id) { byte_ids_[byte] = id; }
  /// Adds a merge; the first rank of a pair wins.
  void add_merge(uint32_t left, uint32_t right, Merge merge) { merges_.emplace(key(left, right), merge); }

  /// Appends the token ids of one word. Takes O(n log n) time for n bytes.
  void encode(std::string_view word, std::vector<int64_t>& ids) const;

  /// Appends the results of merging these tokens. Takes O(n log n) time for n tokens.
  void merge(std::span<const uint32_t> tokens, std::vector<int64_t>& ids) const;

 private:
  static uint64_t key(uint32_t left, uint32_t right) { return uint64_t{left} << 32 | right; }
  const Merge* find(uint32_t left, uint32_t right) const;
  void encode_short(std::string_view word, std::vector<int64_t>& ids) const;
  void encode_long(std::string_view word, std::vector<int64_t>& ids) const;

  std::array<uint32_t, 256> byte_ids_{};
  std::unordered_map<uint64_t, Merge> merges_;
};

}  // namespace ccexpert::text

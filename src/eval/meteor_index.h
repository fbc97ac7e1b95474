// METEOR's tables as one memory-mapped file.
#pragma once

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include <ccexpert/eval/meteor.h>

#include "core/mapped_file.h"
#include "eval/meteor_text.h"

namespace ccexpert::eval {

/// Sorted hashes with a list of values for each.
template <class Value>
struct Lists {
  std::span<const uint64_t> keys;
  std::span<const uint32_t> offsets;  ///< keys.size() + 1 offsets
  std::span<const Value> values;

  /// Returns the index of a key, or nothing. Hashes are uniformly distributed, so the rank of a key is close
  /// to its share of the range.
  std::optional<uint32_t> find(uint64_t key) const;
  std::span<const Value> at(uint32_t place) const {
    const size_t begin = offsets[place], end = offsets[place + 1];
    // Only in a file that was truncated: the lost part reads as zeros, and expect_whole() reports it.
    if (begin > end || end > values.size()) return {};
    return values.subspan(begin, end - begin);
  }
  std::span<const Value> of(uint64_t key) const {
    const auto place = find(key);
    return place ? at(*place) : std::span<const Value>();
  }
};

template <class Value>
std::optional<uint32_t> Lists<Value>::find(uint64_t key) const {
  // A rank deviates from the share by about the square root of the number of keys: a thousand for a few
  // million.
  constexpr size_t kStray = 4096;
  const auto guess =
      static_cast<size_t>(static_cast<double>(key) * 0x1p-64 * static_cast<double>(keys.size()));
  auto first = keys.begin() + static_cast<std::ptrdiff_t>(guess > kStray ? guess - kStray : 0);
  auto last = keys.begin() + static_cast<std::ptrdiff_t>(std::min(guess + kStray, keys.size()));
  if (first == last || *first > key) first = keys.begin();
  if (first == last || *(last - 1) < key) last = keys.end();
  const auto found = std::lower_bound(first, last, key);
  if (found == keys.end() || *found != key) return std::nullopt;
  return static_cast<uint32_t>(found - keys.begin());
}

class MeteorIndex : public MeteorData {
 public:
  /// Throws Error if the file is not an index of this version, is truncated or was modified: every byte is
  /// checked.
  explicit MeteorIndex(std::shared_ptr<const MappedFile> file);

  /// Paraphrases of a phrase, as indices into the same lists, ascending.
  const Lists<uint32_t>& paraphrases() const { return paraphrases_; }
  /// WordNet's synsets of a word.
  const Lists<uint32_t>& synsets() const { return synsets_; }
  /// Base forms of irregular words, as hashes.
  const Lists<uint64_t>& base_forms() const { return base_forms_; }
  bool is_function_word(uint64_t hash) const {
    return std::binary_search(function_words_.begin(), function_words_.end(), hash);
  }
  const Abbreviations& abbreviations() const { return abbreviations_; }
  /// Call after look-ups and before their results are used, as MappedFile::expect_whole.
  void expect_whole() const { file_->expect_whole(); }

 private:
  std::shared_ptr<const MappedFile> file_;
  Lists<uint32_t> paraphrases_;
  Lists<uint32_t> synsets_;
  Lists<uint64_t> base_forms_;
  std::span<const uint64_t> function_words_;
  Abbreviations abbreviations_;
};

/// Returns the source key stored in an index file; 0 if it is not an index of this version.
uint64_t meteor_index_key(const MappedFile& file);

/// Reads the files of `folder` and writes the index. Throws Error with the name of a damaged file.
void build_meteor_index(const std::filesystem::path& folder, const std::filesystem::path& file);

}  // namespace ccexpert::eval

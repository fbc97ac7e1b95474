// METEOR's tables as one file that is mapped into memory.
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

/// Sorted hashes, and a list of values for each.
template <class Value>
struct Lists {
  std::span<const uint64_t> keys;
  std::span<const uint32_t> offsets;  ///< one more than keys
  std::span<const Value> values;

  /// The place of a key, or nothing. Hashes are spread evenly, so its rank is close to its share of the
  /// range.
  std::optional<uint32_t> find(uint64_t key) const;
  std::span<const Value> at(uint32_t place) const {
    const size_t begin = offsets[place], end = offsets[place + 1];
    // Only in a file that became shorter: what it lost reads as zeros, and expect_whole() tells it.
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
  // A rank strays from the share by about the square root of the number of keys: few millions by a thousand.
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
  /// Error where the file is no index of this version, is cut or was changed: every byte is checked.
  explicit MeteorIndex(std::shared_ptr<const MappedFile> file);

  /// Phrases that mean the same as a phrase, as places in the same lists, ascending.
  const Lists<uint32_t>& paraphrases() const { return paraphrases_; }
  /// WordNet's synsets of a word.
  const Lists<uint32_t>& synsets() const { return synsets_; }
  /// Base forms of irregular words, as hashes.
  const Lists<uint64_t>& base_forms() const { return base_forms_; }
  bool is_function_word(uint64_t hash) const {
    return std::binary_search(function_words_.begin(), function_words_.end(), hash);
  }
  const Abbreviations& abbreviations() const { return abbreviations_; }
  /// As MappedFile: to be called after look-ups and before their results are used.
  void expect_whole() const { file_->expect_whole(); }

 private:
  std::shared_ptr<const MappedFile> file_;
  Lists<uint32_t> paraphrases_;
  Lists<uint32_t> synsets_;
  Lists<uint64_t> base_forms_;
  std::span<const uint64_t> function_words_;
  Abbreviations abbreviations_;
};

/// The key that an index file says it was built from; 0 where it is no index of this version.
uint64_t meteor_index_key(const MappedFile& file);

/// Reads the files of `folder` and writes the index. Throws Error that names a file that is damaged.
void build_meteor_index(const std::filesystem::path& folder, const std::filesystem::path& file);

}  // namespace ccexpert::eval

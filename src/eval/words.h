// Splitting of texts into words, and word ids.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ccexpert::eval {

/// Returns the character at `position` of valid UTF-8 and moves `position` past it.
char32_t next_character(std::string_view text, size_t& position);

/// Splits at any white space, as Python's str.split().
std::vector<std::string_view> split_words(std::string_view text);

/// Splits at single spaces and keeps empty words, as Python's str.split(" ").
std::vector<std::string_view> split_blanks(std::string_view text);

/// Joins the words of a text with single spaces.
std::string joined_words(std::string_view text);

/// Assigns ids to words in order of appearance.
class WordIds {
 public:
  WordIds() = default;
  /// Continues the ids of `base`, which must outlive this and keep its words.
  explicit WordIds(const WordIds* base) : base_(base) {}

  uint32_t id(std::string_view word);
  std::vector<uint32_t> ids(const std::vector<std::string_view>& words);
  size_t size() const { return ids_.size() + (base_ == nullptr ? 0 : base_->size()); }

 private:
  /// Returns null for an unknown word.
  const uint32_t* find(std::string_view word) const;

  struct Hash {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): a name of the standard library
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  const WordIds* base_ = nullptr;
  std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>> ids_;
};

}  // namespace ccexpert::eval

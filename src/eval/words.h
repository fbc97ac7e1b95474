// Texts to words, and words to numbers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace ccexpert::eval {

/// The character at `position` of valid UTF-8; `position` moves behind it.
char32_t next_character(std::string_view text, size_t& position);

/// Words apart by any white space, as Python's str.split().
std::vector<std::string_view> split_words(std::string_view text);

/// Words apart by single blanks, empty ones included, as Python's str.split(" ").
std::vector<std::string_view> split_blanks(std::string_view text);

/// The words of a text, apart by single blanks.
std::string joined_words(std::string_view text);

/// Numbers words in the order in which they come.
class WordIds {
 public:
  uint32_t id(std::string_view word);
  std::vector<uint32_t> ids(const std::vector<std::string_view>& words);
  size_t size() const { return ids_.size(); }

 private:
  struct Hash {
    using is_transparent = void;  // NOLINT(readability-identifier-naming): a name of the standard library
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  std::unordered_map<std::string, uint32_t, Hash, std::equal_to<>> ids_;
};

}  // namespace ccexpert::eval

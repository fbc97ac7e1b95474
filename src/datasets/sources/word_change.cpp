#include "datasets/sources/word_change.h"

#include <algorithm>
#include <cctype>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "datasets/caption_text.h"

namespace ccexpert::datasets {
namespace {

using Words = std::vector<std::string>;

/// True if a word is capitalised only because it is first: not "I", "USB" or "McDonald".
bool is_capitalised(std::string_view word) {
  const auto is_lower = [](unsigned char c) { return std::isupper(c) == 0; };
  return word != "I" && std::all_of(word.begin() + 1, word.end(), is_lower);
}

/// Converts a description to a clause of a sentence.
std::string as_clause(std::string_view text) {
  auto result = clean_caption(text);
  while (!result.empty() && result.back() == '.') result.pop_back();
  const auto first = std::string_view(result).substr(0, result.find(' '));
  if (!first.empty() && is_capitalised(first)) {
    result.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(result.front())));
  }
  return result;
}

Words words_of(const std::string& text) {
  std::istringstream stream(text);
  Words words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

/// Words of both texts between their common start and end.
struct Difference {
  Words before;
  Words after;
};

Difference difference_of(const Words& before, const Words& after) {
  const auto shorter = std::min(before.size(), after.size());
  size_t first = 0;
  while (first < shorter && before[first] == after[first]) ++first;
  size_t last = 0;
  while (last < shorter - first && before[before.size() - 1 - last] == after[after.size() - 1 - last]) ++last;
  const auto part = [&](const Words& words) {
    return Words(words.begin() + static_cast<std::ptrdiff_t>(first),
                 words.end() - static_cast<std::ptrdiff_t>(last));
  };
  return {part(before), part(after)};
}

}  // namespace

std::vector<std::string> sentences_of_change(std::string_view before, std::string_view after) {
  const auto old_text = as_clause(before), new_text = as_clause(after);
  if (old_text.empty() || new_text.empty()) return {};
  const auto [gone, come] = difference_of(words_of(old_text), words_of(new_text));
  if (gone.empty() && come.empty()) return {};
  const auto old_words = fmt::format("{}", fmt::join(gone, " ")),
             new_words = fmt::format("{}", fmt::join(come, " "));
  std::vector<std::string> sentences{
      fmt::format("before: {}; after: {}.", old_text, new_text),
      fmt::format("the scene changes from \"{}\" to \"{}\".", old_text, new_text)};
  if (gone.empty()) {
    sentences.push_back(fmt::format("\"{}\" is new: now {}.", new_words, new_text));
  } else if (come.empty()) {
    sentences.push_back(fmt::format("\"{}\" is gone: now {}.", old_words, new_text));
  } else {
    sentences.push_back(fmt::format("\"{}\" becomes \"{}\".", old_words, new_words));
  }
  sentences.push_back(fmt::format("instead of {}, there is now {}.", old_text, new_text));
  sentences.push_back(fmt::format("it was {}, and it is {}.", old_text, new_text));
  return sentences;
}

}  // namespace ccexpert::datasets

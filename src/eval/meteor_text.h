// Tokenization by METEOR's normalisation for English.
#pragma once

#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace ccexpert::eval {

/// Abbreviations that keep their full stop: always, or only before a number.
struct Abbreviations {
  std::unordered_set<std::string> always;
  std::unordered_set<std::string> before_number;
};

/// Reads the list of a Moses tokenizer: one per line, "#" starts a comment, "#NUMERIC_ONLY#" follows an
/// abbreviation that counts only before a number.
Abbreviations parse_abbreviations(std::string_view text);

/// Returns words in lower case; punctuation marks are words.
std::vector<std::string> meteor_words(std::string_view text, const Abbreviations& abbreviations);

}  // namespace ccexpert::eval

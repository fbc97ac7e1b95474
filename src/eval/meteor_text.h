// Texts to words as METEOR's normalisation for English has them.
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

/// Reads the list of a Moses tokenizer: one a line, "#" begins a comment, "#NUMERIC_ONLY#" behind one.
Abbreviations parse_abbreviations(std::string_view text);

/// Words in lower case, punctuation marks being words.
std::vector<std::string> meteor_words(std::string_view text, const Abbreviations& abbreviations);

}  // namespace ccexpert::eval

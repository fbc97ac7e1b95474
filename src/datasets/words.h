// Splitting of captions into words.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ccexpert::datasets {

/// Splits at blanks, in lower case, without punctuation at the ends; punctuation alone is not a word.
std::vector<std::string> words_of(std::string_view caption);

}  // namespace ccexpert::datasets

// Captions of all sources in one form.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ccexpert::datasets {

/// Without outer blanks, control characters and line breaks; single blanks between words, none before
/// . , ; : ! ? and closing brackets; typographic quotes, dashes and blanks as ASCII; repeated final full
/// stops as one. Case and words stay. "" for a text without a letter or digit.
std::string clean_caption(std::string_view text);

/// Whether a caption says that nothing changed.
bool says_no_change(std::string_view caption);

/// Appends those of `more` that are not there yet.
void add_new_captions(std::vector<std::string>& captions, const std::vector<std::string>& more);

}  // namespace ccexpert::datasets

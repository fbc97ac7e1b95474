// Normalisation of captions to one form for all sources.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ccexpert::datasets {

/// Normalises a caption: no outer spaces, control characters or line breaks; single spaces between words,
/// none before . , ; : ! ? and closing brackets; typographic quotes, dashes and spaces as ASCII; one final
/// full stop. Case and words stay. Returns "" for a text without a letter or digit.
std::string clean_caption(std::string_view text);

/// True if a caption says that nothing changed.
bool says_no_change(std::string_view caption);

/// Appends the captions of `more` that `captions` lacks.
void add_new_captions(std::vector<std::string>& captions, const std::vector<std::string>& more);

}  // namespace ccexpert::datasets

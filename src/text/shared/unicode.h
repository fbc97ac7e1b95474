/// Repair of invalid UTF-8, and Unicode normalisation.
#pragma once

#include <string>
#include <string_view>

namespace ccexpert::text {

/// Returns the text in Unicode normalisation form C, with every invalid byte sequence as U+FFFD, one for each
/// maximal part (as in Python and on the web).
std::string normalize(std::string_view bytes);

/// Same as normalize, without the normalisation.
std::string repair_utf8(std::string_view bytes);

/// Returns the number of bytes at the end that begin a character and may still be completed (0 to 3).
size_t unfinished_bytes(std::string_view bytes);

/// Returns the text in lower case, by Unicode's language-independent rules, as Python's str.lower().
std::string lower_case(std::string_view text);

}  // namespace ccexpert::text

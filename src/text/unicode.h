// UTF-8 that may be none, and its normal form.
#pragma once

#include <string>
#include <string_view>

namespace ccexpert::text {

/// The text with every byte sequence that is no character as U+FFFD, one for each maximal part (as Python and
/// the web do), in Unicode normalisation form C.
std::string normalize(std::string_view bytes);

/// The same without normalisation.
std::string repair_utf8(std::string_view bytes);

/// How many bytes at the end are the beginning of a character that may still be completed (0 to 3).
size_t unfinished_bytes(std::string_view bytes);

/// The text in lower case, by Unicode's rules without those of a language, as Python's str.lower().
std::string lower_case(std::string_view text);

}  // namespace ccexpert::text

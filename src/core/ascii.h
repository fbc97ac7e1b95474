// ASCII text, whatever the locale.
#pragma once

#include <string>
#include <string_view>

namespace ccexpert {

/// Returns a text with its ASCII letters in lower case; other bytes stay.
std::string ascii_lower_case(std::string_view text);

}  // namespace ccexpert

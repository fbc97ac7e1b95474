// Check for texts that JSON can represent.
#pragma once

#include <string>
#include <string_view>

namespace ccexpert::datasets {

/// Throws Error with `field` for text that is not UTF-8: a file name read back from JSON would not match its
/// file.
void expect_utf8(std::string_view field, const std::string& text);

}  // namespace ccexpert::datasets

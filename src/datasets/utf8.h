// Texts that JSON can hold.
#pragma once

#include <string>
#include <string_view>

namespace ccexpert::datasets {

/// Throws Error, naming `field`, for text that is no UTF-8: a name would come back from JSON as that of no
/// file.
void expect_utf8(std::string_view field, const std::string& text);

}  // namespace ccexpert::datasets

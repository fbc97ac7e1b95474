// Short names of texts.
#pragma once

#include <string>
#include <string_view>

namespace ccexpert::geo {

/// Returns 16 hexadecimal digits for a text.
std::string digest(std::string_view text);

}  // namespace ccexpert::geo

// Words of captions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ccexpert::datasets {

/// What stands between blanks, in lower case, without marks at its ends; marks alone are no words.
std::vector<std::string> words_of(std::string_view caption);

}  // namespace ccexpert::datasets

// Text for files and streams with one entry a line.
#pragma once

#include <string>

namespace ccexpert {

/// Returns the text with spaces for its line breaks and tabs.
std::string on_one_line(std::string text);

}  // namespace ccexpert

/// Captions that say that nothing changed.
#pragma once

#include <string_view>

namespace ccexpert::eval {

/// True if the caption is one of LEVIR-CC's sentences for unchanged pairs, regardless of case, of spaces and
/// of a full stop at the end.
bool says_unchanged(std::string_view caption);

}  // namespace ccexpert::eval

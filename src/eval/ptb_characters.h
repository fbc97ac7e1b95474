// Characters as Stanford's tokenizer takes them.
#pragma once

#include <string>
#include <string_view>

namespace ccexpert::eval {

/// The line with every character that the tokenizer drops, and every kind of blank, as a blank; soft hyphens
/// are deleted; currencies and fractions are spelled as it spells them; apostrophes are ASCII's. `line` is
/// UTF-8.
std::string ptb_characters(std::string_view line);

}  // namespace ccexpert::eval

// Character normalisation of Stanford's tokenizer.
#pragma once

#include <string>
#include <string_view>

namespace ccexpert::eval {

/// Normalises a UTF-8 line: characters that the tokenizer drops and all kinds of spaces become spaces, soft
/// hyphens are deleted, currencies and fractions are spelled as by the tokenizer, and apostrophes become
/// ASCII.
std::string ptb_characters(std::string_view line);

}  // namespace ccexpert::eval

// Tokenization of the COCO evaluation.
#pragma once

#include <string>

namespace ccexpert::eval {

/// Returns the Penn Treebank tokens of one line, in lower case, without punctuation tokens, separated by
/// spaces.
std::string ptb_tokens(const std::string& line);

}  // namespace ccexpert::eval

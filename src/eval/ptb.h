// The tokens of the COCO evaluation.
#pragma once

#include <string>

namespace ccexpert::eval {

/// Penn Treebank tokens of one line, in lower case, without those of punctuation, apart by blanks.
std::string ptb_tokens(const std::string& line);

}  // namespace ccexpert::eval

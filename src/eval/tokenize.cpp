#include <algorithm>

#include <ccexpert/eval/captioned_pair.h>

#include "eval/ptb.h"
#include "text/shared/unicode.h"

namespace ccexpert::eval {

std::string tokenize(const std::string& text, Tokenizer tokenizer) {
  std::string line = text::repair_utf8(text);
  std::replace_if(
      line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  if (tokenizer == Tokenizer::kPtb) return ptb_tokens(line);
  line = text::lower_case(line);
  std::erase(line, '.');
  return line;
}

CaptionedPair tokenize(CaptionedPair pair, Tokenizer tokenizer) {
  pair.prediction = tokenize(pair.prediction, tokenizer);
  for (auto& reference : pair.references) reference = tokenize(reference, tokenizer);
  return pair;
}

}  // namespace ccexpert::eval

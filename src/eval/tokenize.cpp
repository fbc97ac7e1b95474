#include <algorithm>

#include <ccexpert/core/error.h>
#include <ccexpert/eval/captioned_pair.h>
#include <ccexpert/text/unicode.h>

#include "eval/ptb.h"

namespace ccexpert::eval {

Tokenizer tokenizer_of(const std::string& name) {
  for (const auto tokenizer : {Tokenizer::kReference, Tokenizer::kPtb}) {
    if (tokenizer_name(tokenizer) == name) return tokenizer;
  }
  fail_expected({"tokenizer", "reference or ptb", name});
}

std::string tokenizer_name(Tokenizer tokenizer) {
  return tokenizer == Tokenizer::kReference ? "reference" : "ptb";
}

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

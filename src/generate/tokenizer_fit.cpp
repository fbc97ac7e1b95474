#include "generate/tokenizer_fit.h"

#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert::generate {

void expect_tokenizer_fits(const text::Tokenizer& tokenizer, const model::DecoderConfig& decoder,
                           const std::string& source) {
  if (tokenizer.vocab_size() <= decoder.vocab_size) return;
  fail_expected({source, fmt::format("a tokenizer of at most {} tokens", decoder.vocab_size),
                 std::to_string(tokenizer.vocab_size()), "tokenizer and model do not belong together"});
}

}  // namespace ccexpert::generate

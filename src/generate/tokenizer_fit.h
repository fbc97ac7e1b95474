// Compatibility check of a tokenizer and a model.
#pragma once

#include <string>

#include <ccexpert/model/config.h>
#include <ccexpert/text/tokenizer.h>

namespace ccexpert::generate {

/// Throws Error, beginning with `source` (the folder), if the tokenizer has ids without a row in the
/// embedding.
void expect_tokenizer_fits(const text::Tokenizer& tokenizer, const model::DecoderConfig& decoder,
                           const std::string& source);

}  // namespace ccexpert::generate

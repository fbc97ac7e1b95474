// Whether a tokenizer and a model belong together.
#pragma once

#include <string>

#include <ccexpert/model/config.h>
#include <ccexpert/text/tokenizer.h>

namespace ccexpert {

/// Throws Error, beginning with `source` (the folder), if the tokenizer has ids that the embedding has no row
/// for.
void expect_tokenizer_fits(const text::Tokenizer& tokenizer, const DecoderConfig& decoder,
                           const std::string& source);

}  // namespace ccexpert

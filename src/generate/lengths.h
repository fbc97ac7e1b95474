// Lengths of captions from any source.
#pragma once

#include <string_view>

#include <ccexpert/generate/options.h>

namespace ccexpert::generate {

/// Throws Error, beginning with `prefix`, if the minimum number of tokens exceeds the maximum.
void expect_lengths_fit(const DecodingConfig& decoding, std::string_view prefix = {});

}  // namespace ccexpert::generate

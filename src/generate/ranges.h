// Ranges of decoding values from any source.
#pragma once

#include <string>

#include <ccexpert/generate/options.h>

namespace ccexpert {

/// Names of the values of one source, for messages.
struct ValueNames {
  std::string prefix = {};
  const char* beams = "beams";
};

/// Throws Error for the first value out of range; does not check combinations.
void expect_in_range(const DecodingConfig& decoding, const ValueNames& names = {});

}  // namespace ccexpert

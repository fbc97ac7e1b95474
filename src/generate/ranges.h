// The range of each value that decoding has, whoever gives it.
#pragma once

#include <string>

#include <ccexpert/generate/options.h>

namespace ccexpert {

/// What messages call the values of one source.
struct ValueNames {
  std::string prefix = {};
  const char* beams = "beams";
};

/// Throws Error for the first value out of range; combinations are not looked at.
void expect_in_range(const DecodingConfig& decoding, const ValueNames& names = {});

}  // namespace ccexpert

// Limits of requests for captions.
#pragma once

#include <cstdint>
#include <tuple>

#include <ccexpert/core/fields.h>

namespace ccexpert::serve {

struct RequestLimits {
  int64_t max_pixels = 40'000'000;
  int64_t max_decoded = int64_t{1} << 30;
  int64_t max_tokens = 512;
  int64_t max_beams = 8;
  int64_t max_question = 8192;
  int64_t max_turns = 32;
  double timeout = 120.0;

  static constexpr auto fields() {
    using Self = RequestLimits;
    return std::tuple{
        field("max_pixels", &Self::max_pixels, "largest number of pixels of an image",
              in_range(1, int64_t{1} << 28)),
        field("max_decoded", &Self::max_decoded, "largest decoded images of all requests at once in bytes",
              in_range(1024, int64_t{1} << 40)),
        field("max_tokens", &Self::max_tokens, "largest number of tokens of a caption", in_range(1, 100'000)),
        field("max_beams", &Self::max_beams, "largest number of beams", in_range(1, 1024)),
        field("max_question", &Self::max_question, "largest length of the text of a request in bytes",
              in_range(1, 1 << 20)),
        field("max_turns", &Self::max_turns, "largest number of questions about a pair in one request",
              in_range(1, 1024)),
        field("timeout", &Self::timeout, "seconds until a caption must be complete, from its request on",
              in_range(0.05, 86'400))};
  }
};

}  // namespace ccexpert::serve

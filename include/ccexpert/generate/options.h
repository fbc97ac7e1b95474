/// How a caption is decoded.
#pragma once

#include <cstdint>

#include <ccexpert/core/fields.h>

namespace ccexpert {

/// The defaults are the evaluation's: greedy, until an end token or the length limit.
struct GenerationOptions {
  int64_t max_new_tokens = 64;
  int64_t min_new_tokens = 0;
  int64_t beams = 1;
  double length_penalty = 1.0;
  double temperature = 0.0;
  double top_p = 1.0;
  int64_t top_k = 0;
  double repetition_penalty = 1.0;
  int64_t seed = 42;

  static constexpr auto fields() {
    using Self = GenerationOptions;
    return std::tuple{
        field("max_new_tokens", &Self::max_new_tokens,
              "most tokens to generate, the end token included (1 to 100000)"),
        field("min_new_tokens", &Self::min_new_tokens, "tokens before an end token is allowed (0: any)"),
        field("beams", &Self::beams, "beams of the beam search (1: none)"),
        field("length_penalty", &Self::length_penalty,
              "beam scores are divided by length to this power (0: not at all)"),
        field("temperature", &Self::temperature, "softmax temperature of sampling (0: greedy)"),
        field("top_p", &Self::top_p, "sample from the smallest set of tokens with this probability (1: all)"),
        field("top_k", &Self::top_k, "sample from this many most probable tokens (0: all)"),
        field("repetition_penalty", &Self::repetition_penalty,
              "divides positive and multiplies negative logits of tokens already generated (1: off)"),
        field("seed", &Self::seed, "seed of sampling; a caption depends on it and on its own pair alone")};
  }

  /// Throws Error for values out of range and for combinations that contradict each other (beams with
  /// sampling).
  void validate() const;
};

}  // namespace ccexpert

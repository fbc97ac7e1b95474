/// Times and counts of a captioner.
#pragma once

#include <cstdint>
#include <tuple>

#include <ccexpert/core/fields.h>

namespace ccexpert::generate {

/// Wall time in seconds since loading, by stage, and counts.
struct CaptionerTimings {
  double load = 0.0;
  double preprocess = 0.0;
  double vision = 0.0;
  double diff_expert = 0.0;  ///< the projector included
  double prefill = 0.0;
  double decode = 0.0;
  int64_t pairs = 0;
  int64_t encoded_images = 0;  ///< by the vision transformer
  int64_t reused_images = 0;   ///< encoded before; see CaptionerConfig::feature_cache
  int64_t prompt_tokens = 0;   ///< image tokens included
  int64_t reused_tokens = 0;   ///< of `prompt_tokens`, those that a Conversation had computed before
  int64_t generated_tokens = 0;
  int64_t drafted_tokens = 0;  ///< of `generated_tokens`, those that `CaptionOptions::draft_tokens` guessed

  static constexpr auto fields() {
    using Self = CaptionerTimings;
    return std::tuple{field("load", &Self::load, "seconds of loading"),
                      field("preprocess", &Self::preprocess, "seconds of resizing and normalising"),
                      field("vision", &Self::vision, "seconds of the vision transformer"),
                      field("diff_expert", &Self::diff_expert, "seconds of Diff Expert and projector"),
                      field("prefill", &Self::prefill, "seconds of the prompts"),
                      field("decode", &Self::decode, "seconds of the tokens after the first"),
                      field("pairs", &Self::pairs, "pairs"),
                      field("encoded_images", &Self::encoded_images, "images that were encoded"),
                      field("reused_images", &Self::reused_images, "images encoded before"),
                      field("prompt_tokens", &Self::prompt_tokens, "tokens of the prompts"),
                      field("reused_tokens", &Self::reused_tokens, "tokens of prompts computed before"),
                      field("generated_tokens", &Self::generated_tokens, "tokens of captions"),
                      field("drafted_tokens", &Self::drafted_tokens, "tokens that drafts guessed")};
  }
};

}  // namespace ccexpert::generate

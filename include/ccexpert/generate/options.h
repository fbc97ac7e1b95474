/// How a caption is decoded: what a caller asks for, and what then holds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ccexpert/core/fields.h>

namespace ccexpert {

/// What a caller asks for. A value that is not set is that of the checkpoint's generation_config.json, else
/// the default of DecodingConfig. Decoding is greedy unless sampling is asked for, whatever the checkpoint
/// says.
struct GenerationOptions {
  std::optional<int64_t> max_new_tokens = {};
  std::optional<int64_t> min_new_tokens = {};
  std::optional<int64_t> beams = {};
  std::optional<double> length_penalty = {};
  bool do_sample = false;
  std::optional<double> temperature = {};
  std::optional<double> top_p = {};
  std::optional<int64_t> top_k = {};
  std::optional<double> repetition_penalty = {};
  std::vector<int64_t> stop_ids = {};
  int64_t seed = 42;

  static constexpr auto fields() {
    using Self = GenerationOptions;
    return std::tuple{
        field("max_new_tokens", &Self::max_new_tokens,
              "most tokens to generate, the end token included, 1 to 100000 (the checkpoint's, else 64)"),
        field("min_new_tokens", &Self::min_new_tokens,
              "tokens before an end token is allowed (the checkpoint's, else 0)"),
        field("beams", &Self::beams, "beams of the beam search, 1: none (the checkpoint's, else 1)"),
        field("length_penalty", &Self::length_penalty,
              "beam scores are divided by length to this power (the checkpoint's, else 1)"),
        field("do_sample", &Self::do_sample, "sample; a temperature above 0 does so too"),
        field("temperature", &Self::temperature,
              "softmax temperature of sampling, 0: greedy (if sampling is asked for, the checkpoint's, else "
              "1)"),
        field("top_p", &Self::top_p,
              "sample from the smallest set of tokens with this probability (the checkpoint's, else 1: all)"),
        field("top_k", &Self::top_k,
              "sample from this many most probable tokens (the checkpoint's, else 0: all)"),
        field(
            "repetition_penalty", &Self::repetition_penalty,
            "divides positive and multiplies negative scores of tokens already generated (the checkpoint's, "
            "else 1: off)"),
        field("stop_ids", &Self::stop_ids,
              "token ids that end a caption (the checkpoint's, else <|im_end|> and <|endoftext|>)"),
        field("seed", &Self::seed, "seed of sampling; a caption depends on it and on its own pair alone")};
  }

  bool samples() const { return do_sample || temperature.value_or(0.0) > 0.0; }

  /// Throws Error for values out of range and for combinations that contradict each other (beams with
  /// sampling).
  void validate() const;
};

/// What holds for a call, every value known.
struct DecodingConfig {
  int64_t max_new_tokens = 64;
  int64_t min_new_tokens = 0;
  int64_t beams = 1;
  double length_penalty = 1.0;
  double temperature = 0.0;  ///< 0: greedy
  double top_p = 1.0;
  int64_t top_k = 0;
  double repetition_penalty = 1.0;
  std::vector<int64_t> stop_ids = {};
  int64_t seed = 42;

  bool is_stop(int64_t id) const;

  /// As GenerationOptions::validate.
  void validate() const;
};

/// What holds if `asked` is asked of a model whose checkpoint says `checkpoint`. Sampling values of the
/// checkpoint count only if `asked` samples. Not validated.
DecodingConfig decoding_config(const GenerationOptions& asked, const GenerationOptions& checkpoint);

/// One line: "greedy, at most 64 tokens, repetition penalty 1.1, ends at 482, 480".
std::string to_text(const DecodingConfig& decoding);

}  // namespace ccexpert

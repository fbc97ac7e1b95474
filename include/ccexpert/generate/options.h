/// Decoding options: the caller's request, and the settings that result from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ccexpert/core/caption_metric.h>
#include <ccexpert/core/fields.h>

namespace ccexpert::generate {

/// Largest number of tokens of a caption. The cache is allocated in advance: a few extra zeros must not
/// exhaust memory.
inline constexpr int64_t kMostNewTokens = 100'000;

/// Largest number of samples of minimum-Bayes-risk decoding: the cache holds all of one pair.
inline constexpr int64_t kMostSamples = 1024;

/// Options that a caller requests. An unset value comes from the checkpoint's generation_config.json, else it
/// is the default of DecodingConfig. Decoding is greedy unless the caller requests sampling, whatever the
/// checkpoint's setting.
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
  int64_t mbr = 0;
  CaptionMetric mbr_metric = CaptionMetric::kCiderD;

  static constexpr auto fields() {
    using Self = GenerationOptions;
    return std::tuple{
        field("max_new_tokens", &Self::max_new_tokens,
              "maximum number of tokens, including the end token (the checkpoint's, else 64)",
              in_range(1, kMostNewTokens)),
        field("min_new_tokens", &Self::min_new_tokens,
              "minimum number of tokens before an end token (the checkpoint's, else 0)",
              in_range(0, kMostNewTokens)),
        field("beams", &Self::beams, "number of beams, 1: no beam search (the checkpoint's, else 1)",
              in_range(1, 1024)),
        field("length_penalty", &Self::length_penalty,
              "beam scores are divided by length to this power (the checkpoint's, else 1)",
              in_range(-10, 10)),
        field("do_sample", &Self::do_sample, "enables sampling, as does a temperature above 0"),
        field("temperature", &Self::temperature,
              "softmax temperature of sampling, 0: greedy (with do_sample, the checkpoint's, else "
              "1)",
              in_range(0, 1000)),
        field("top_p", &Self::top_p,
              "sample from the smallest set of tokens with this probability (the checkpoint's, else 1: all)",
              in_range(open(0), 1)),
        field("top_k", &Self::top_k,
              "sample from this many most probable tokens (the checkpoint's, else 0: all)", at_least(0)),
        field(
            "repetition_penalty", &Self::repetition_penalty,
            "divides positive and multiplies negative scores of tokens already generated (the checkpoint's, "
            "else 1: off)",
            in_range(open(0), 1000)),
        field("stop_ids", &Self::stop_ids,
              "token ids that end a caption (the checkpoint's, else <|im_end|> and <|endoftext|>)"),
        field("seed", &Self::seed, "seed of sampling; a caption depends only on it and on its own pair"),
        field("mbr", &Self::mbr,
              "minimum-Bayes-risk decoding: sample this many captions and take the one, or the greedy one, "
              "that "
              "agrees most with them (0: off)",
              in_range(0, kMostSamples)),
        field("mbr_metric", &Self::mbr_metric,
              "metric of that agreement; cider: CIDEr-D with the same weight for all n-grams; sm: S*m")};
  }
  /// True if tokens are drawn.
  bool samples() const { return do_sample || mbr > 0 || temperature.value_or(0.0) > 0.0; }

  /// Throws Error for values out of range and for combinations that contradict each other (beams with
  /// sampling).
  void validate() const;
};

/// Resolved settings of a call.
struct DecodingConfig {
  int64_t max_new_tokens = 64;                        ///< longest caption
  int64_t min_new_tokens = 0;                         ///< shortest caption
  int64_t beams = 1;                                  ///< 1: greedy, or sampling
  double length_penalty = 1.0;                        ///< exponent of the length in beam search
  double temperature = 0.0;                           ///< 0: greedy
  double top_p = 1.0;                                 ///< share of the probability to draw from
  int64_t top_k = 0;                                  ///< number of tokens to draw from; 0: all
  double repetition_penalty = 1.0;                    ///< 1: none
  std::vector<int64_t> stop_ids = {};                 ///< tokens that end a caption
  int64_t seed = 42;                                  ///< of sampling
  int64_t mbr = 0;                                    ///< samples of minimum-Bayes-risk decoding, 0: off
  CaptionMetric mbr_metric = CaptionMetric::kCiderD;  ///< of minimum-Bayes-risk decoding

  bool is_stop(int64_t id) const;  ///< True for a token that ends a caption

  /// Throws Error for values that contradict each other.
  void validate() const;
};

/// Resolves `asked` with the checkpoint's values. Sampling values of the checkpoint count only if `asked`
/// samples. Does not validate.
DecodingConfig decoding_config(const GenerationOptions& asked, const GenerationOptions& checkpoint);

/// Returns one line: "greedy, at most 64 tokens, repetition penalty 1.1, ends at 482, 480".
std::string to_text(const DecodingConfig& decoding);

}  // namespace ccexpert::generate

// Choice of one next token from a row of logits.
#pragma once

#include <random>
#include <vector>

#include <ATen/core/Tensor.h>

#include <ccexpert/generate/options.h>

namespace ccexpert::generate {

/// Returns scores [R,V] (logits or log-probabilities) in float32 with the repetition penalty on each row's
/// `history`, and with the stop ids excluded if a row is shorter than min_new_tokens. `history` contains only
/// generated tokens: the prompt is not penalized. Returns `scores` itself if no change is needed.
at::Tensor penalize(const at::Tensor& scores, const std::vector<std::vector<int64_t>>& history,
                    const DecodingConfig& decoding);

/// True if `penalize` changes the scores of a row with this history.
bool changes_scores(const std::vector<int64_t>& history, const DecodingConfig& decoding);

/// Throws Error if the log-probability of a chosen token is NaN.
void expect_number(double logprob);

/// Throws Error if a log-probability [R,...] of a chosen token is NaN: every search would otherwise continue
/// with an arbitrary token.
void expect_numbers(const at::Tensor& logprobs);

/// Tokens for sampling, most probable first.
struct SampledTokens {
  std::vector<int64_t> ids;
  std::vector<double> probabilities;  ///< of the softmax over top_k tokens; they need not sum to 1
};

/// Returns softmax(logits / temperature) [V] cut to top_k and top_p; the most probable token always stays.
SampledTokens sampled_tokens(const at::Tensor& logits, const DecodingConfig& decoding);

int64_t draw_token(const SampledTokens& tokens, std::mt19937_64& generator);

}  // namespace ccexpert::generate

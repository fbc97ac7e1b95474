// The choice of one next token from a row of logits.
#pragma once

#include <random>
#include <vector>

#include <ATen/core/Tensor.h>

#include <ccexpert/generate/options.h>

namespace ccexpert {

/// Logits [R,V] in float32 with repetition penalty on each row's `history`, and `stop_ids` ruled out where a
/// row is shorter than min_new_tokens. `logits` itself where nothing is to be done.
at::Tensor penalize(const at::Tensor& logits, const std::vector<std::vector<int64_t>>& history,
                    const std::vector<int64_t>& stop_ids, const GenerationOptions& options);

/// Throws Error where a log-probability [R,...] of a chosen token is no number: every search would go on with
/// whatever token comes first.
void expect_numbers(const at::Tensor& logprobs);

/// Draws from softmax(logits / temperature) [V] cut to top_k and top_p; the most probable token always stays.
int64_t draw_token(const at::Tensor& logits, const GenerationOptions& options, std::mt19937_64& generator);

}  // namespace ccexpert

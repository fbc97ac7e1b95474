/// Attention for CPUs with fast matrix products in the features' dtype: computed in blocks of scores that fit
/// in the processor's cache.
#pragma once

#include <ATen/core/Tensor.h>

namespace ccexpert::kernels {

/// Limits of a block of scores.
struct ScoreBlock {
  int64_t scores = 0;   ///< of all heads together
  int64_t queries = 0;  ///< per head, if its scores exceed `scores` or attention is causal
  int64_t kept = 0;  ///< up to this many scores are saved for the backward pass instead of being recomputed
};

/// Returns a million scores per thread, which fit in its cache; four million are kept.
ScoreBlock default_score_block();

/// Repeats keys or values [B,K,t,d] for each of `heads` query heads, to [B,M,t,d].
at::Tensor per_query_head(const at::Tensor& x, int64_t heads);

/// Maps q [B,M,T,d], k and v [B,K,t,d], K a divisor of M, to [B,M,T,d]. Causal attention requires T = t. For
/// the backward pass it keeps queries, keys and values, and scores if they are few. Scores are in the
/// operands' dtype, as in plain products; a fused kernel has them in float32.
at::Tensor blocked_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, bool causal,
                             const ScoreBlock& block = default_score_block());

}  // namespace ccexpert::kernels

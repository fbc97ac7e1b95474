/// Attention on a CPU whose matrix products are fast in the features' dtype: block by block of scores, so
/// that no block leaves the processor's cache.
#pragma once

#include <ATen/core/Tensor.h>

namespace ccexpert {

/// How much of the scores is computed at once.
struct ScoreBlock {
  int64_t scores = 0;   ///< of all heads taken together
  int64_t queries = 0;  ///< of a head, where its scores are more than that, or where attention is causal
  int64_t kept = 0;     ///< scores up to which the backward pass finds them, instead of computing them again
};

/// A million scores a thread, what its cache holds; four million are kept.
ScoreBlock default_score_block();

/// Keys or values [B,K,t,d] for each of `heads` query heads, [B,M,t,d].
at::Tensor per_query_head(const at::Tensor& x, int64_t heads);

/// q [B,M,T,d], k and v [B,K,t,d], K a divisor of M, to [B,M,T,d]. Causal attention is that of T = t. For the
/// backward pass it keeps queries, keys and values, and scores where they are few. Scores are in the
/// operands' dtype, as in products written out; a fused kernel has them in float32.
at::Tensor blocked_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, bool causal,
                             const ScoreBlock& block = default_score_block());

}  // namespace ccexpert

// Attention in bfloat16 without gradients, by tiles whose scores stay in the cache in float32.
#pragma once

#include <ATen/core/Tensor.h>

namespace ccexpert::kernels {

/// True if `tiled_attention` can compute this: bfloat16 products of the processor, an even width of heads
/// whose features are neighbours in memory, and no gradient.
bool can_tile_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v);

/// Maps q [B,M,T,d], k and v [B,K,t,d], K a divisor of M, to [B,M,T,d], a view of memory [B,T,M,d]. Causal:
/// the queries are the last T of t positions. Scores, their softmax and sums are in float32; weights of
/// values are rounded to bfloat16.
at::Tensor tiled_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, bool causal);

}  // namespace ccexpert::kernels

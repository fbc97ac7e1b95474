// Attention by the fastest kernel of the device and the dtype.
#pragma once

#include <ATen/core/Tensor.h>

namespace ccexpert::kernels {

/// Keys that a query may attend to; all of them by default.
struct AttentionMask {
  at::Tensor visible = {};  ///< boolean, broadcast to [B,M,T,t]; undefined: all
  /// True: keys up to the query's position. The last query is at the last key: queries that are fewer than
  /// keys are the last ones.
  bool causal = false;
};

/// Computes softmax(q k^T / sqrt d) v: queries [B,M,T,d], keys and values [B,K,t,d] with K a divisor of M, to
/// [B,M,T,d].
at::Tensor attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const AttentionMask& mask = {});

/// Reshapes [B,T,M*d] to [B,M,T,d].
at::Tensor split_heads(const at::Tensor& x, int64_t heads);

/// Reshapes [B,M,T,d] to [B,T,M*d].
at::Tensor merge_heads(const at::Tensor& x);

}  // namespace ccexpert::kernels

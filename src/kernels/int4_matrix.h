// Products with weights of 4 bits in groups.
#pragma once

#include <ATen/core/Tensor.h>

namespace ccexpert::kernels {

/// Inputs of a row that share a scale.
inline constexpr int64_t kInt4Group = 32;

/// Weights [N,K] in 4 bits, K a multiple of kInt4Group: each is (nibble - 8) * scale of its group. A group
/// has 16 bytes; byte j holds weight j in its low bits and weight j + 16 in its high ones.
struct Int4Weights {
  at::Tensor values;  ///< [N,K/2], uint8
  at::Tensor scales;  ///< [N,K/32], bfloat16, above 0
};

/// True if a matrix of so many inputs has whole groups.
constexpr bool has_int4_groups(int64_t inputs) {
  return inputs > 0 && inputs % kInt4Group == 0;
}

/// Rounds each group of `weights` [N,K], floating point, to -8 to 7 times a scale. Of three scales near the
/// largest magnitude / 8, a group has the one with the least squared error.
Int4Weights quantize_groups(const at::Tensor& weights);

/// Returns `count` rows from row `first` on in float32, [count,K].
at::Tensor dequantized_groups(const Int4Weights& weights, int64_t first, int64_t count);

/// Maps x [M,K], contiguous, float32 or bfloat16, to x W^T + b [M,N] of x's dtype; bias [N] in float32, or
/// undefined. Activations are not rounded; weights are, to bfloat16 if x has it and the processor multiplies
/// it. Few rows are multiplied while weights are read; else some rows of weights are widened at a time.
/// Throws Error for another K.
at::Tensor multiply_int4(const at::Tensor& x, const Int4Weights& weights, const at::Tensor& bias = {});

}  // namespace ccexpert::kernels

// Products of few rows of features with weights that are widened while they are read: memory is the limit.
#pragma once

#include <cstdint>
#include <functional>

#include <ATen/core/Tensor.h>

namespace ccexpert::kernels {

/// Up to this many rows, products by these functions beat those by blocks.
inline constexpr int64_t kFewRows = 8;

/// Weights that are in float32 at a time, in the first cache; inputs are widened from multiples of it on.
inline constexpr int64_t kPiece = 1024;

/// Writes `count` weights of row `row` from input `first` on in float32. Called on several threads.
using WidenPiece = std::function<void(int64_t row, int64_t first, int64_t count, float* to)>;

/// Returns x W^T [M,N] in float32 for x [M,K] in float32, contiguous, M at most kFewRows, and N = `outputs`
/// rows of weights.
at::Tensor multiply_few_rows(const at::Tensor& x, int64_t outputs, const WidenPiece& widen);

/// Same for a matrix [N,K] of bfloat16 with contiguous rows.
at::Tensor multiply_few_rows(const at::Tensor& x, const at::Tensor& matrix);

}  // namespace ccexpert::kernels

// Products of features and weights in their own dtype, by the fastest way of the processor.
#pragma once

#include <ATen/core/Tensor.h>

namespace ccexpert::kernels {

/// True if products of `dtype` on a CPU are computed in float32 by blocks: those of 16 bits without
/// instructions for them, which LibTorch would compute in scalar loops.
bool multiplies_by_blocks(at::ScalarType dtype);

/// Returns x W^T + b: x [...,in], matrix [out,in], bias [out] or undefined, to [...,out]. All have one dtype.
at::Tensor linear_product(const at::Tensor& x, const at::Tensor& matrix, const at::Tensor& bias = {});

/// Limits of a block in float32, in values. A block has at least 64 rows of each.
struct WeightBlock {
  int64_t weights = 0;
  int64_t features = 0;  ///< of x, and as many results
};

/// Returns two million weights and a million features, which stay in the cache.
WeightBlock default_weight_block();

/// Same as `linear_product` for 16 bits, in float32: rows of weights and of x are converted some at a time,
/// and results are rounded once. Gradients are computed in the same way. Memory beyond operands and result is
/// that of one block, which the calling thread keeps, and in the backward pass x in float32.
at::Tensor linear_by_blocks(const at::Tensor& x, const at::Tensor& matrix, const at::Tensor& bias,
                            const WeightBlock& block = default_weight_block());

}  // namespace ccexpert::kernels

// Kernels of products with weights of 8 bits.
#pragma once

#include "kernels/int8_matrix.h"

namespace ccexpert::kernels {

/// Rows of weights in a panel of the tiles: the widest tile of the kernel.
inline constexpr int64_t kInt8Panel = 64;

// `block`: inputs of a row that are rounded together, as in `pack_int8`.

/// Tiles of oneDNN's batch-reduce product, for VNNI and AMX.
std::unique_ptr<const Int8Matrix> pack_for_tiles(const Int8Weights& weights, const at::Tensor& bias,
                                                 int64_t block);

/// XNNPACK's product, which chooses the instructions by itself; for all processors.
std::unique_ptr<const Int8Matrix> pack_for_xnnpack(const Int8Weights& weights, const at::Tensor& bias,
                                                   int64_t block);

}  // namespace ccexpert::kernels

// Products with weights of 8 bits. Activations are quantised per row (token), or per block of its inputs, in
// the product.
#pragma once

#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>

#include "kernels/cpu_level.h"
#include "kernels/row_math.h"

namespace ccexpert::kernels {

/// Weights [N,K] in 8 bits: row n is about values[n] * scales[n].
struct Int8Weights {
  at::Tensor values;               ///< [N,K], int8, -127 to 127
  at::Tensor scales;               ///< [N], float32, above 0
  bool may_pack_in_place = false;  ///< true for the memory of int8_memory
};

/// Rounds each row of `weights` [N,K], floating point, to the nearest multiples of its largest magnitude /
/// 127.
Int8Weights quantize_rows(const at::Tensor& weights);

/// Returns the rows `ids` [...] of the weights, to [...,K] in float32.
at::Tensor dequantized_rows(const Int8Weights& weights, const at::Tensor& ids);

/// Norm of the rows of x before they are rounded.
struct RowNorm {
  at::Tensor weight = {};  ///< [K], float32 or bfloat16; undefined: no norm
  at::Tensor bias = {};    ///< [K], of the same dtype; undefined: RMSNorm, else LayerNorm
  double eps = 0.0;
};

/// Work around products that read the same x. It takes no memory but that of x and of the results, and x is
/// rounded once.
struct Int8Call {
  at::Tensor x;                               ///< [M,K], contiguous, float32 or bfloat16
  RowNorm norm = {};                          ///< before the products
  RowFunction function = RowFunction::kNone;  ///< of each result
  bool gated = false;                         ///< true: function(first) * second, of two matrices [N,K]
  at::Tensor residual = {};  ///< [M,N], contiguous, of x's dtype; added last to the only result
};

/// Weights in the form that one kernel reads. Thread-safe.
class Int8Matrix {
 public:
  virtual ~Int8Matrix() = default;
  /// Maps x [M,K] to x W^T + b [M,N], both contiguous and of one dtype, float32 or bfloat16. Each row of x,
  /// or each block of it, is quantised to 8 bits between its least and its largest value; sums of a block are
  /// exact in 32 bits: none saturates. Sums of blocks are added in float32.
  at::Tensor multiply(const at::Tensor& x) const { return multiply_all({.x = x}, {this})[0]; }
  /// Computes `call` for `matrices` of this kernel, of which this is one: a result [M,N] for each, or one for
  /// a gate. Between products and result, values are in float32. Throws Error for operands of another shape.
  virtual std::vector<at::Tensor> multiply_all(const Int8Call& call,
                                               const std::vector<const Int8Matrix*>& matrices) const = 0;
  /// Returns the rows `ids` [...] of the weights, to [...,K] in float32, as `dequantized_rows` of what was
  /// packed. Throws Error for a kernel without `gives_rows`.
  virtual at::Tensor rows(const at::Tensor& ids) const;
};

/// True if matrices of the kernel of `level` give their rows.
bool gives_rows(CpuLevel level = cpu_level());

/// Largest K: 32 bits hold the sum of so many products of bytes.
inline constexpr int64_t kMostInt8Inputs = 65'536;

/// Returns memory for weights [N,K], with room to pack them in place.
Int8Weights int8_memory(int64_t rows, int64_t columns);

/// Step of the sizes of blocks: the tiles of AMX hold so many inputs.
inline constexpr int64_t kInt8BlockStep = 64;

/// Packs weights and a bias [N] (undefined: none) for the fastest kernel of `level`. `block`: inputs of a row
/// of x that are rounded together, a multiple of kInt8BlockStep; 0: all. Throws Error for more than
/// kMostInt8Inputs columns, and for another size of blocks. The memory of `int8_memory` is taken over: the
/// weights are then not readable.
std::unique_ptr<const Int8Matrix> pack_int8(const Int8Weights& weights, const at::Tensor& bias,
                                            CpuLevel level = cpu_level(), int64_t block = 0);

}  // namespace ccexpert::kernels

// Rotary positions in the half-split form.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace ccexpert::kernels {

/// Frequencies of the rotation.
struct RotaryShape {
  int64_t width;  ///< of a head, d
  double base;    ///< longest period in units of 2 pi
};

/// Factors of the rotation, [B or 1,1,T,d/2].
struct RotaryFactors {
  at::Tensor cosine, sine;
};

/// Returns the factors of positions [B or 1,T], computed in float32 and converted to `dtype`.
RotaryFactors rotary_factors(const at::Tensor& positions, const RotaryShape& shape, at::ScalarType dtype);

/// Rotates x [B,M,T,d]: the halves (a, b) of each head become (a cos - b sin, b cos + a sin).
at::Tensor rotate(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine);

}  // namespace ccexpert::kernels

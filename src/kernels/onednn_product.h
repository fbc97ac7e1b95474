// Products of float32 on a CPU by oneDNN instead of LibTorch's BLAS.
#pragma once

#include <ATen/core/Tensor.h>

namespace ccexpert::kernels {

/// True if oneDNN multiplies float32 faster than LibTorch's BLAS: on processors of AMD, since MKL uses only
/// AVX2 there, even if they have AVX-512.
bool multiplies_by_onednn();

/// Returns x W^T + b without a gradient for x [M,K], a matrix [N,K] and a bias [N] or undefined, of any
/// strides.
at::Tensor onednn_product(const at::Tensor& x, const at::Tensor& matrix, const at::Tensor& bias = {});

/// Same as `linear_product` for float32, with gradients.
at::Tensor onednn_linear(const at::Tensor& x, const at::Tensor& matrix, const at::Tensor& bias = {});

}  // namespace ccexpert::kernels

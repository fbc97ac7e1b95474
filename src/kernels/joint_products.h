// Products of one input with several matrices, with one gradient of the input.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

namespace ccexpert::kernels {

/// Matrix [out,in] with its bias [out], which may be undefined.
struct Factor {
  at::Tensor matrix, bias;
};

/// True if joint products are the faster ones: on a GPU, if the backward pass needs the gradient of x.
bool joins_products(const at::Tensor& x);

/// Returns x W^T + b of each factor, the results of separate products. The gradient of x is summed by the
/// products of the backward pass themselves, each onto the sum so far: separate ones leave a gradient each,
/// and adding two tensors reads both and writes a third.
std::vector<at::Tensor> joint_products(const at::Tensor& x, const std::vector<Factor>& factors);

}  // namespace ccexpert::kernels

// Check of the operands of a product.
#pragma once

#include <ATen/core/Tensor.h>

namespace ccexpert::kernels {

/// Throws Error unless x is [M,K] with K = `inputs`; `product` names the product.
void expect_inputs(const char* product, const at::Tensor& x, int64_t inputs);

}  // namespace ccexpert::kernels

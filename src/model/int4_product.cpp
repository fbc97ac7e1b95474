#include "model/int4_product.h"

#include <ATen/ATen.h>

namespace ccexpert::model {

Int4Product::Int4Product(const Linear& linear) {
  const auto matrix = linear.matrix();
  const int64_t rows = matrix.size(0), inputs = matrix.size(1);
  weights_ = {at::empty({rows, inputs / 2}, matrix.options().dtype(at::kByte)),
              at::empty({rows, inputs / kernels::kInt4Group}, matrix.options().dtype(at::kBFloat16))};
  if (linear.bias.defined()) bias_ = at::empty_like(linear.bias, linear.bias.options().dtype(at::kFloat));
}

WeightContract Int4Product::reads() const {
  WeightContract contract{{.name = "weight", .target = weights_.values, .dtypes = {at::kByte}},
                          {.name = "scales", .target = weights_.scales, .dtypes = {at::kBFloat16}}};
  if (bias_.defined()) contract.push_back({.name = "bias", .target = bias_});
  return contract;
}

at::Tensor Int4Product::apply(const at::Tensor& x) const {
  auto shape = x.sizes().vec();
  const auto out = kernels::multiply_int4(x.reshape({-1, x.size(-1)}).contiguous(), weights_, bias_);
  shape.back() = out.size(1);
  return out.view(shape);
}

}  // namespace ccexpert::model

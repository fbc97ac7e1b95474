#include "model/int8_product.h"

#include <ATen/ATen.h>

namespace ccexpert::model {
namespace {

/// Returns memory for a matrix; on the meta device, shapes only.
kernels::Int8Weights memory_for(const at::Tensor& matrix) {
  const int64_t rows = matrix.size(0), columns = matrix.size(1);
  if (!matrix.is_meta()) return kernels::int8_memory(rows, columns);
  return {at::empty({rows, columns}, matrix.options().dtype(at::kChar)),
          at::empty({rows}, matrix.options().dtype(at::kFloat))};
}

WeightContract reads_of(const kernels::Int8Weights& weights) {
  return {{.name = "weight", .target = weights.values, .dtypes = {at::kChar}},
          {.name = "scales", .target = weights.scales, .dtypes = {at::kFloat}}};
}

}  // namespace

Int8Product::Int8Product(const Linear& linear) : weights_(memory_for(linear.matrix())) {
  if (linear.bias.defined()) bias_ = at::empty_like(linear.bias, linear.bias.options().dtype(at::kFloat));
}

WeightContract Int8Product::reads() const {
  auto contract = reads_of(weights_);
  if (bias_.defined()) contract.push_back({.name = "bias", .target = bias_});
  return contract;
}

void Int8Product::pack() {
  weights_.may_pack_in_place = !shared_;
  packed_ = kernels::pack_int8(weights_, bias_);
  weights_ = {};
  bias_.reset();
}

at::Tensor Int8Product::apply(const at::Tensor& x) const {
  const auto rows = (float32_ ? x.to(at::kFloat) : x).reshape({-1, x.size(-1)}).contiguous();
  auto shape = x.sizes().vec();
  const auto out = packed_->multiply(rows);  // [M,N]
  shape.back() = out.size(1);
  return out.view(shape);
}

Int8Embedding::Int8Embedding(const Embedding& table)
    : weights_(memory_for(table.weight)), dtype_(table.weight.scalar_type()) {}

WeightContract Int8Embedding::reads() const {
  return reads_of(weights_);
}

}  // namespace ccexpert::model

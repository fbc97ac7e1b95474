/// Arithmetic of a product with weights.
#pragma once

#include <ATen/core/Tensor.h>

namespace ccexpert::model {

/// Product that a `Linear` can be given in place of its own: quantised, low-rank, sharded. It holds its own
/// tensors.
class Product {
 public:
  virtual ~Product() = default;
  /// Maps [...,in] to [...,out], bias included.
  virtual at::Tensor apply(const at::Tensor& x) const = 0;
};

}  // namespace ccexpert::model

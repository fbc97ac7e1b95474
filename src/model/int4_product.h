// Product with weights of 4 bits.
#pragma once

#include <ccexpert/model/layers.h>

#include "kernels/int4_matrix.h"

namespace ccexpert::model {

/// Product with a matrix of 4 bits, a scale for each 32 inputs of a row, and a bias.
class Int4Product : public Product {
 public:
  /// Product of the shapes of `linear`, with memory for its tensors.
  explicit Int4Product(const Linear& linear);

  /// Returns "weight" [out,in/2], "scales" [out,in/32] and, if there is one, "bias".
  WeightContract reads() const;

  /// Maps [...,in] to [...,out] of the same dtype.
  at::Tensor apply(const at::Tensor& x) const override;

 private:
  kernels::Int4Weights weights_;
  at::Tensor bias_;
};

}  // namespace ccexpert::model

/// Arithmetic of products with weights.
#pragma once

#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

#include <ccexpert/model/activation.h>

namespace ccexpert::model {

class Norm;

/// Products that read one input, with the steps around them. A norm precedes all products; an activation or a
/// gate, then a residual follow.
struct ProductSteps {
  at::Tensor x;                                         ///< [...,in]
  const Norm* norm = nullptr;                           ///< null: the products read x
  std::optional<Activation> activation = std::nullopt;  ///< of each result
  bool gated = false;        ///< true: activation(first) * second, the only result of two products
  at::Tensor residual = {};  ///< added to each result, of its shape; undefined: nothing
};

/// Product that a `Linear` can be given in place of its own: quantised, low-rank, sharded. It holds its own
/// tensors.
class Product {
 public:
  virtual ~Product() = default;
  /// Maps [...,in] to [...,out], bias included.
  virtual at::Tensor apply(const at::Tensor& x) const = 0;
  /// Computes all steps for `products`, of which this is the first, in one pass: a result for each product,
  /// or one of a gate. Empty: not possible, the steps follow one another.
  virtual std::vector<at::Tensor> apply_steps(const ProductSteps& /*steps*/,
                                              const std::vector<const Product*>& /*products*/) const {
    return {};
  }
};

}  // namespace ccexpert::model

/// Frozen matrices of 8 bits in a model that trains beside them, as LoRA does (QLoRA: Dettmers et al. 2023).
#pragma once

#include <functional>
#include <string>

#include <ccexpert/model/ccexpert_model.h>
#include <ccexpert/model/layers.h>

#include "kernels/int8_matrix.h"

namespace ccexpert::model {

/// Product with a frozen int8 matrix, a scale for each of its rows, and a bias: x W^T + b in the dtype of x,
/// which is not rounded to 8 bits. Its gradient is that of x. The matrix is converted in pieces.
class Int8FrozenProduct : public Product {
 public:
  /// Product of the shapes of `linear`, with memory for its matrix; the bias stays that of `linear`.
  explicit Int8FrozenProduct(const Linear& linear);
  /// Product without a bias of a matrix that another module reads and keeps.
  explicit Int8FrozenProduct(kernels::Int8Weights shared) : weights_(std::move(shared)) {}

  /// Returns "weight", "scales" and, if there is one, "bias".
  WeightContract reads() const;
  at::Tensor apply(const at::Tensor& x) const override;

 private:
  kernels::Int8Weights weights_;
  at::Tensor bias_;
};

/// Gives the embedding and each product that an int8 model has in 8 bits an int8 matrix, if `is_frozen` is
/// true for its weight's name. Those weights then have a shape, but neither values nor memory: a checkpoint
/// has the tensors of weight_contract.
void use_frozen_int8(CcexpertModel& model, const std::function<bool(const std::string& weight)>& is_frozen);

/// Moves such a model to another device.
void move_frozen_int8(CcexpertModel& model, at::Device device);

}  // namespace ccexpert::model

/// Tensors that a module, or the product of a `Linear`, reads from a checkpoint.
#pragma once

#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace ccexpert::model {

/// One tensor of a checkpoint: its name, shape and dtypes, and the memory that it fills.
struct ExpectedTensor {
  std::string name = {};   ///< in the checkpoint
  at::Tensor target = {};  ///< of the shape expected; stored values are converted to its dtype and device
  /// Dtypes that the checkpoint may store; any floating point by default.
  std::vector<at::ScalarType> dtypes = {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16};
};

using WeightContract = std::vector<ExpectedTensor>;  ///< Tensors that a model expects

}  // namespace ccexpert::model

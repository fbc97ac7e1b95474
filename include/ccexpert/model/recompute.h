/// Trading time for memory in training: a block's inner activations are computed again in the backward pass.
#pragma once

#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

namespace ccexpert {

using TensorList = std::vector<at::Tensor>;

/// `block(inputs)`, of which only `inputs` are kept until the backward pass, which computes it once more.
/// Gradients are those of a plain call. The block reads nothing else that needs gradients, and must give the
/// same result both times. Where no input needs gradients, this is a plain call.
TensorList recompute(const std::function<TensorList(const TensorList&)>& block, const TensorList& inputs);

/// The same for a block that reads `parameters` beside its inputs. Nothing else may read them in the same
/// pass: their gradients are complete when the block's own backward pass is, and hooks on them run then. What
/// several blocks read must be an input of each.
TensorList recompute(const std::function<TensorList(const TensorList&)>& block, const TensorList& inputs,
                     const torch::nn::Module& parameters);

}  // namespace ccexpert

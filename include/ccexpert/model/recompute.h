/// Trading time for memory in training: a block's inner activations are computed again in the backward pass.
#pragma once

#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

namespace ccexpert {

using TensorList = std::vector<at::Tensor>;

/// `block(inputs)`, of which only `inputs` are kept until the backward pass, which computes it once more.
/// Gradients are those of a plain call. `parameters` are what the block reads beside its inputs: where
/// neither they nor the inputs need gradients, this is a plain call. The block must give the same result both
/// times.
TensorList recompute(const std::function<TensorList(const TensorList&)>& block, const TensorList& inputs,
                     const torch::nn::Module& parameters);

}  // namespace ccexpert

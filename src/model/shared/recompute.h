/// Gradient checkpointing: a block's inner activations are recomputed in the backward pass.
#pragma once

#include <functional>

#include <ccexpert/model/block_runner.h>

namespace ccexpert::model {

/// Returns `block(inputs)` and keeps only `inputs` until the backward pass, which computes the block once
/// more. Gradients equal those of a plain call. The block must not read other tensors that need gradients,
/// and must give the same result both times. If no input needs gradients, this is a plain call.
TensorList recompute(const std::function<TensorList(const TensorList&)>& block, const TensorList& inputs);

/// Same for a block that also reads `parameters`. No other code may read them in the same pass: their
/// gradients are complete after the block's own backward pass, and hooks on them run then. Tensors that
/// several blocks read must be an input of each.
TensorList recompute(const std::function<TensorList(const TensorList&)>& block, const TensorList& inputs,
                     const torch::nn::Module& parameters);

/// True if a low-rank product needs gradients in `module`, whose own parameters may all be frozen.
bool products_need_gradients(const torch::nn::Module& module);

}  // namespace ccexpert::model

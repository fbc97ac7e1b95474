/// Execution of a model's blocks, set from outside: plain, or with gradient checkpointing. A runner is also
/// the place to fetch weights before a block and to drop them after it.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

namespace ccexpert::model {

using TensorList = std::vector<at::Tensor>;  ///< inputs or outputs of a block

/// One block of layers in one forward pass.
struct Block {
  /// Computes the outputs. A runner may keep it until the backward pass, so it holds what it reads by value.
  std::function<TensorList(const TensorList&)> compute;
  /// Module with every parameter that `compute` reads; no other code reads them in the same pass. It outlives
  /// the backward pass.
  const torch::nn::Module& parameters;
  /// False if a second call of `compute` gives another result, as with a KV cache.
  bool repeatable = true;
};

class BlockRunner {  ///< Runs the blocks of a part
 public:
  virtual ~BlockRunner() = default;
  /// Returns `block.compute(inputs)`, with its gradients.
  virtual TensorList run(const Block& block, const TensorList& inputs) const = 0;
};

/// Calls the block.
class PlainRunner : public BlockRunner {
 public:
  TensorList run(const Block& block, const TensorList& inputs) const override;
};

/// Gradient checkpointing: keeps only a block's inputs for the backward pass; see recompute.h. Calls a block
/// that is not repeatable as it is.
class RecomputingRunner : public BlockRunner {
 public:
  TensorList run(const Block& block, const TensorList& inputs) const override;
};

using BlockRunnerRef = std::shared_ptr<const BlockRunner>;  ///< shared by the parts of a model

}  // namespace ccexpert::model

// A bucket of ShardedAdamW: consecutive parameters in one flat tensor, with their gradients and state.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "train/flat_layout.h"
#include "train/sharded_adamw.h"

namespace ccexpert::train {

struct ShardedAdamW::Bucket : FlatLayout {
  std::vector<TrainableParameter> parameters;

  at::Tensor flat;                // [padded] parameters in their own dtype; undefined if only a shard is held
  at::Tensor held;                // [shard] parameters in their own dtype
  at::Tensor weights;             // [shard] float32 master weights; a view of `held` if that is float32
  at::Tensor mean;                // [shard]
  at::Tensor square;              // [shard]
  at::Tensor step;                // scalar float32, for the fused kernel
  at::Tensor gradient;            // float32, accumulated: [shard] if gradients are sharded, else [padded]
  std::vector<bool> in_gradient;  // by parameter, if `gradient` is [padded]

  at::Tensor outgoing;  // [padded] gradients of the running backward pass, if they will be sharded
  at::Tensor arriving;  // [shard] output of a reduce-scatter
  distributed::Pending pending;
  std::vector<bool> has_arrived;  // by parameter, in the running backward pass
  size_t arrived = 0;
  bool sent = false;  // in the running backward pass

  /// True if the parameter has the bucket's dtype and update rule, and the bucket stays within `limit`
  /// elements. The bucket must not be empty.
  bool fits(const TrainableParameter& parameter, int64_t limit) const;
  void append(TrainableParameter parameter);
  /// Moves the parameters into `flat` and allocates the state of shard `rank` of `ranks`. Call it once, after
  /// all parameters are appended.
  void allocate(int64_t rank, int64_t ranks);
  /// Takes parameters of which this rank holds a shard, and allocates its state.
  void adopt(const FlatWeights& weights);

  /// Forgets which gradients have arrived, before a backward pass.
  void begin_backward();
  /// Writes the first gradient of a parameter instead of adding it to zeros, which would cost two more passes
  /// over memory.
  void accumulate(size_t parameter, const at::Tensor& own);
  /// Sets elements that no backward pass has written to zero.
  void complete_gradient();
  void begin_outgoing();
  void complete_outgoing();

  /// True if `weights` are a copy beside `held`.
  bool has_master() const { return held.scalar_type() != at::kFloat; }
  /// Returns the view of one parameter in a [padded] tensor.
  at::Tensor part(const at::Tensor& tensor, size_t parameter) const;
  at::Tensor gradient_shard() const;

 private:
  void allocate_state();
  void begin_gradient();
  /// Sets all elements of `tensor` [padded] to zero except the `written` parameters.
  void zero_all_but(const std::vector<bool>& written, const at::Tensor& tensor) const;
};

}  // namespace ccexpert::train

// Parameters in one flat tensor, of which each rank holds a shard (ZeRO stage 3).
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "distributed/shared/communicator.h"
#include "train/flat_layout.h"
#include "train/parameter_groups.h"

namespace ccexpert::train {

/// Between `release` and `finish`, the parameters keep their shapes but hold NaN in a single element of
/// memory. A graph that read the gathered parameters keeps no memory of them alive: it needs them gathered
/// again before its backward pass.
class FlatWeights : public FlatLayout {
 public:
  /// Moves the shard of this rank to `device` and releases the parameters, which have equal dtypes and update
  /// rules (a factor of 0: frozen).
  FlatWeights(std::vector<TrainableParameter> parameters, at::Device device,
              const distributed::Communicator& communicator);

  /// Starts to gather the parameters. All ranks call it.
  void start(distributed::Communicator& communicator);
  /// Waits for the parameters, which must be on their way.
  void finish();
  /// Frees the gathered parameters; waits for those on their way. Does nothing if there are none.
  void release();

  /// Returns the elements of a parameter that this rank holds, as a view of the shard, and sets `begin` to
  /// the first of them.
  at::Tensor held_part(size_t parameter, int64_t& begin) const;

  bool trains() const { return parameters_.front().lr_factor > 0.0; }
  const std::vector<TrainableParameter>& parameters() const { return parameters_; }
  /// Returns this rank's elements [shard_size], in the parameters' dtype.
  const at::Tensor& shard() const { return shard_; }
  /// Returns the bytes that the gathered parameters use now.
  int64_t gathered_bytes() const { return has_memory_ ? padded * shard_.element_size() : 0; }

 private:
  std::vector<TrainableParameter> parameters_;
  at::Tensor shard_;    // [shard_size]
  at::Tensor whole_;    // [padded]; its storage has memory only while gathered
  at::Tensor nothing_;  // [1]
  bool has_memory_ = false;
  distributed::Pending pending_;
};

}  // namespace ccexpert::train

// AdamW over flat buckets with state and gradients sharded over the ranks (ZeRO stages 0 to 3).
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include <ccexpert/io/safetensors.h>

#include "distributed/shared/communicator.h"
#include "train/parameter_groups.h"
#include "train/weight_shards.h"

namespace ccexpert::train {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double clip_norm = 1.0;  ///< limit of the global gradient norm (0: no clipping)
  int zero = 2;            ///< 0: every rank holds everything; 1: state is sharded; 2: gradients too
  int64_t bucket_elements =
      50'000'000;  ///< largest number of elements in a bucket (a larger parameter has its own bucket)
};

struct StepOutcome {
  double grad_norm = 0.0;  ///< over all parameters and ranks, before clipping
  bool skipped = false;    ///< the norm was not finite: nothing changed
};

/// Owns the optimiser state of a set of parameters and communicates their gradients between ranks.
///
///     for each micro-batch:  optimizer.begin_backward(is_last); loss.backward(); optimizer.end_backward();
///     optimizer.step(learning_rate);
///
/// The parameters become views of flat buckets in their own dtype; state and accumulated gradients are
/// float32. During a backward pass each bucket is sent as soon as its gradients are complete, in the same
/// order on every rank. A rank with fewer micro-batches than others calls begin_backward and end_backward
/// without a backward pass in between.
class ShardedAdamW {
 public:
  /// All ranks pass the same parameters in the same order. `communicator` must outlive this.
  ShardedAdamW(std::vector<TrainableParameter> parameters, const AdamWOptions& options,
               distributed::Communicator& communicator);
  /// ZeRO stage 3: the weights are in shards too. Trains those of `shards`, which must outlive this.
  /// begin_backward also begins their pass, and end_backward ends it.
  ShardedAdamW(WeightShards& shards, const AdamWOptions& options, distributed::Communicator& communicator);
  ~ShardedAdamW();
  ShardedAdamW(const ShardedAdamW&) = delete;
  ShardedAdamW& operator=(const ShardedAdamW&) = delete;

  /// `last` is true for the last micro-batch of this step.
  void begin_backward(bool last);
  void end_backward();
  /// True if the weights are in shards. A rank without a micro-batch must then run the passes of one too,
  /// since all ranks gather the weights.
  bool shards_weights() const { return shards_ != nullptr; }

  /// Updates the weights with the gradients times `gradient_scale`, then clears the gradients. The learning
  /// rate of a bucket is `learning_rate` times its parameters' factor.
  StepOutcome step(double learning_rate, double gradient_scale = 1.0);

  /// Returns the state of this rank's shards: per bucket i the float32 tensors
  /// bucket{i}.{weights,mean,square} [elements of the shard], which share memory with the optimiser. Float32
  /// parameters are their own master weights and have no `weights` tensor.
  std::vector<io::NamedTensor> state() const;
  /// True if this rank's state must be saved because no other rank saves it.
  bool writes_state() const { return sharded_state() || communicator_.rank() == 0; }
  /// Returns the number of steps taken, for bias correction.
  int64_t steps() const { return steps_; }

  /// Layout of a bucket's flat elements, which gives the state tensors their meaning for any number of ranks.
  struct BucketLayout {
    std::vector<std::string> names;
    std::vector<int64_t> offsets;  ///< first element of each parameter
    std::vector<int64_t> sizes;    ///< elements of each parameter
    int64_t elements = 0;          ///< up to the end of the last parameter, gaps included
    int64_t begin = 0;             ///< first element of this rank's shard
    int64_t end = 0;               ///< one past its last element, without padding
  };
  std::vector<BucketLayout> layout() const;

  /// Restores the state: `read(bucket, part, begin, end)` returns elements [begin,end) of "weights", "mean"
  /// or "square".
  using ReadState = std::function<at::Tensor(size_t, const std::string&, int64_t, int64_t)>;
  void restore(int64_t steps, const ReadState& read);

  /// Returns the bytes of gradients and state on this rank (without parameters).
  int64_t bytes() const;

 private:
  struct Bucket;
  class Arrival;

  void hook(size_t bucket);
  void gradient_arrived(size_t bucket, size_t parameter);
  void block_left(size_t block);
  void dispatch_ready();
  void dispatch(Bucket& bucket);
  void send_gradients(size_t index);
  void finish_pending(size_t keep);
  bool sharded_gradients() const {
    return shards_ != nullptr || (options_.zero >= 2 && communicator_.size() > 1);
  }
  bool sharded_state() const { return options_.zero >= 1 && communicator_.size() > 1; }
  double gradient_norm() const;
  void update(Bucket& bucket, double learning_rate, double scale);

  AdamWOptions options_;
  distributed::Communicator& communicator_;
  WeightShards* shards_ = nullptr;  ///< null: every rank holds all weights
  std::vector<std::unique_ptr<Bucket>> buckets_;
  std::vector<std::vector<size_t>> buckets_of_blocks_;  ///< with weights in shards
  std::deque<size_t> in_flight_;
  size_t next_to_dispatch_ = 0;
  bool last_ = false;
  int64_t steps_ = 0;
};

}  // namespace ccexpert::train

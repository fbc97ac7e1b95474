/// AdamW over flat buckets, its state and gradients shared out over the ranks (ZeRO stages 0, 1 and 2).
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include <ccexpert/distributed/communicator.h>
#include <ccexpert/io/safetensors.h>
#include <ccexpert/train/parameter_groups.h>

namespace ccexpert::train {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double clip_norm = 1.0;  ///< global gradient norm is cut to this (0: not)
  int zero = 2;            ///< 0: all ranks hold everything; 1: state is shared out; 2: gradients too
  int64_t bucket_elements =
      50'000'000;  ///< parameters that travel together, at most (a larger one travels alone)
};

struct StepOutcome {
  double grad_norm = 0.0;  ///< over all parameters and ranks, before clipping
  bool skipped = false;    ///< the norm was not finite: nothing was changed
};

/// Owns the optimiser state of a set of parameters and moves their gradients between ranks.
///
///     for each micro-batch:  optimizer.begin_backward(is_last); loss.backward(); optimizer.end_backward();
///     optimizer.step(learning_rate);
///
/// The parameters become views of flat buckets in their own dtype; state and accumulated gradients are
/// float32. While a backward pass runs, each bucket whose gradients are complete is sent off, in the same
/// order on every rank. A rank with fewer micro-batches than others calls begin_backward and end_backward
/// without a backward pass between.
class ShardedAdamW {
 public:
  /// All ranks pass the same parameters in the same order. `communicator` must outlive this.
  ShardedAdamW(std::vector<TrainableParameter> parameters, const AdamWOptions& options,
               distributed::Communicator& communicator);
  ~ShardedAdamW();
  ShardedAdamW(const ShardedAdamW&) = delete;
  ShardedAdamW& operator=(const ShardedAdamW&) = delete;

  /// `last`: no further micro-batch of this step follows.
  void begin_backward(bool last);
  void end_backward();

  /// Uses and clears the gradients, of which each is meant `gradient_scale` times. Each bucket's learning
  /// rate is `learning_rate` times its parameters' factor.
  StepOutcome step(double learning_rate, double gradient_scale = 1.0);

  /// State of this rank's shards: per bucket i the float32 tensors bucket{i}.{weights,mean,square} [elements
  /// of the shard]; the tensors share memory with the optimiser. Parameters in float32 are their own master
  /// weights, and `weights` is not among them.
  std::vector<io::NamedTensor> state() const;
  /// Whether this rank's state is not also another one's, and must be saved.
  bool writes_state() const { return sharded_state() || communicator_.rank() == 0; }
  /// The steps taken, for bias correction.
  int64_t steps() const { return steps_; }

  /// Where a bucket's flat elements lie: what a state's tensors mean, whatever the number of ranks.
  struct BucketLayout {
    std::vector<std::string> names;
    int64_t elements = 0;  ///< up to the end of the last parameter, gaps between them included
    int64_t begin = 0;     ///< first element of this rank's shard
    int64_t end = 0;       ///< behind its last one, padding cut off
  };
  std::vector<BucketLayout> layout() const;

  /// Takes over the state: `read(bucket, part, begin, end)` gives elements [begin,end) of "weights", "mean"
  /// or "square".
  using ReadState = std::function<at::Tensor(size_t, const std::string&, int64_t, int64_t)>;
  void restore(int64_t steps, const ReadState& read);

  /// Bytes of gradients and state this rank holds (parameters not counted).
  int64_t bytes() const;

 private:
  struct Bucket;
  class Arrival;

  void gradient_arrived(size_t bucket, size_t parameter);
  void dispatch_ready();
  void dispatch(Bucket& bucket);
  void finish_pending(size_t keep);
  bool sharded_gradients() const { return options_.zero >= 2 && communicator_.size() > 1; }
  bool sharded_state() const { return options_.zero >= 1 && communicator_.size() > 1; }
  double gradient_norm() const;
  void update(Bucket& bucket, double learning_rate, double scale);

  AdamWOptions options_;
  distributed::Communicator& communicator_;
  std::vector<std::unique_ptr<Bucket>> buckets_;
  std::deque<size_t> in_flight_;
  size_t next_to_dispatch_ = 0;
  bool last_ = false;
  int64_t steps_ = 0;
};

}  // namespace ccexpert::train

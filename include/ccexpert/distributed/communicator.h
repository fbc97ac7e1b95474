/// Sums, shards and copies of tensors between the ranks of a run. c10d and its types stay behind this.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include <ccexpert/distributed/rank.h>

namespace ccexpert::distributed {

/// A collective under way. Its tensors must not be touched before `wait`.
class Pending {
 public:
  Pending() = default;
  explicit Pending(std::function<void()> finish) : finish_(std::move(finish)) {}
  Pending(Pending&&) = default;
  Pending& operator=(Pending&&) = default;

  /// Returns once the result is there (on a GPU: once everything queued behind this sees it). Throws Error
  /// where a rank is gone. Does nothing a second time.
  void wait() {
    if (finish_) std::exchange(finish_, nullptr)();
  }

 private:
  std::function<void()> finish_;
};

/// All ranks call the same collectives in the same order with tensors of equal sizes and dtypes (float32,
/// float64, bfloat16, int64), contiguous, on the device the communicator was made for. Where a rank is gone,
/// or silent for the timeout, every other rank's collective throws an Error that names it.
class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Every rank's `tensor` becomes the sum of all.
  virtual Pending all_reduce_sum_async(const at::Tensor& tensor) = 0;
  /// `shard` [n] becomes the sum over ranks of this rank's part of `whole` [size * n].
  virtual Pending reduce_scatter_sum_async(const at::Tensor& whole, const at::Tensor& shard) = 0;
  /// `whole` [size * n] becomes all ranks' `shard` [n], in rank order; `shard` may be its own part of
  /// `whole`.
  virtual Pending all_gather_async(const at::Tensor& shard, const at::Tensor& whole) = 0;
  /// Every rank's `tensor` becomes the root's.
  virtual void broadcast(const at::Tensor& tensor, int root) = 0;
  virtual void barrier() = 0;
  /// Every rank's text, in rank order, on all ranks.
  virtual std::vector<std::string> gather_text(const std::string& text) = 0;

  void all_reduce_sum(const at::Tensor& tensor) { all_reduce_sum_async(tensor).wait(); }
  void reduce_scatter_sum(const at::Tensor& whole, const at::Tensor& shard) {
    reduce_scatter_sum_async(whole, shard).wait();
  }
  void all_gather(const at::Tensor& shard, const at::Tensor& whole) { all_gather_async(shard, whole).wait(); }
};

/// One process alone: sums are what they are, gathers are copies.
std::unique_ptr<Communicator> single_process();

struct JoinOptions {
  std::chrono::milliseconds timeout{600'000};      ///< all ranks must come within it; of a collective too
  std::string program = {};                        ///< what runs; must be the same on all ranks
  std::stop_token stop = {};                       ///< ends the wait for ranks that have not come yet
  std::chrono::milliseconds stop_timeout{60'000};  ///< of a collective, once a stop was requested
};

/// Joins the run that `rank` describes: Gloo on a CPU, NCCL on a GPU; `single_process` where it is one rank,
/// but for one that a launcher started on a GPU. There, a collective that does not end within the timeout
/// ends the process, with an error in the log that names the rank to blame. After a stop was requested, one
/// that does not end within `stop_timeout` does so on a CPU too, if a rank shows no sign of life.
/// Throws Error naming the ranks that do not come in time, the one that was told to stop, an address that
/// does not exist (at once), and ranks that run another program.
std::unique_ptr<Communicator> join(const Rank& rank, at::Device device, const JoinOptions& options);

}  // namespace ccexpert::distributed

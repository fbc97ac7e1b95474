/// Collectives between the ranks of a run. c10d and its types are hidden behind this interface.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "distributed/shared/rank.h"

namespace ccexpert::distributed {

/// A collective in flight. Its tensors must not be touched before `wait`.
class Pending {
 public:
  Pending() = default;
  explicit Pending(std::function<void()> finish) : finish_(std::move(finish)) {}
  Pending(Pending&&) = default;
  Pending& operator=(Pending&&) = default;

  /// Returns when the result is available (on a GPU: to everything queued after this call). Throws Error if a
  /// rank is gone. A second call does nothing.
  void wait() {
    if (finish_) std::exchange(finish_, nullptr)();
  }

 private:
  std::function<void()> finish_;
};

/// All ranks call the same collectives in the same order, with contiguous tensors of equal sizes and dtypes
/// (float32, float64, bfloat16, int64) on the device that the communicator was made for. If a rank is gone or
/// silent for the limit of a collective, the collectives of all other ranks throw an Error that names it.
class Communicator {
 public:
  virtual ~Communicator() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// Replaces every rank's `tensor` by the sum over ranks.
  virtual Pending all_reduce_sum_async(const at::Tensor& tensor) = 0;
  /// Sets `shard` [n] to the sum over ranks of this rank's part of `whole` [size * n].
  virtual Pending reduce_scatter_sum_async(const at::Tensor& whole, const at::Tensor& shard) = 0;
  /// Sets `whole` [size * n] to the `shard` [n] of all ranks in rank order. `shard` may be a view of this
  /// rank's part of `whole`.
  virtual Pending all_gather_async(const at::Tensor& shard, const at::Tensor& whole) = 0;
  /// Replaces every rank's `tensor` by the root's.
  virtual void broadcast(const at::Tensor& tensor, int root) = 0;
  virtual void barrier() = 0;
  /// Returns the texts of all ranks in rank order, on every rank.
  virtual std::vector<std::string> gather_text(const std::string& text) = 0;

  void all_reduce_sum(const at::Tensor& tensor) { all_reduce_sum_async(tensor).wait(); }
  void reduce_scatter_sum(const at::Tensor& whole, const at::Tensor& shard) {
    reduce_scatter_sum_async(whole, shard).wait();
  }
  void all_gather(const at::Tensor& shard, const at::Tensor& whole) { all_gather_async(shard, whole).wait(); }
};

/// Returns the communicator of a single process: reductions change nothing, gathers copy.
std::unique_ptr<Communicator> single_process();

struct JoinOptions {
  std::chrono::milliseconds timeout{600'000};  ///< limit for all ranks to join
  /// Limit for each collective; nothing: `timeout`. A collective that exceeds `timeout` then ends only if a
  /// rank shows no sign of life.
  std::optional<std::chrono::milliseconds> collective_timeout = {};
  std::string program = {};   ///< name and version of the program; must be the same on all ranks
  std::stop_token stop = {};  ///< ends the wait for missing ranks
  std::chrono::milliseconds stop_timeout{60'000};  ///< limit for a collective after a stop request
};

/// Joins the run that `rank` describes: Gloo on a CPU, NCCL on a GPU, `single_process` for one rank (NCCL if
/// a launcher started it on a GPU). On a GPU, a collective that exceeds its limit ends the process, and the
/// log names the rank at fault. After a stop request, a collective that exceeds `stop_timeout` does so on a
/// CPU too, if a rank shows no sign of life. Throws Error that names the ranks that did not join in time, the
/// rank that was told to stop, an address that does not exist (at once), or ranks that run another program.
std::unique_ptr<Communicator> join(const Rank& rank, at::Device device, const JoinOptions& options);

}  // namespace ccexpert::distributed

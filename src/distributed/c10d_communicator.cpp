#include <algorithm>
#include <cstdlib>
#include <exception>
#include <thread>

#include <ATen/ATen.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>

#include "core/foreign_errors.h"
#include "distributed/address.h"
#include "distributed/bounded.h"
#include "distributed/c10d_start.h"
#include "distributed/heartbeat.h"
#include "distributed/meeting.h"
#include "distributed/shared/communicator.h"
#include "distributed/terminate.h"
#include "distributed/watchdog.h"

namespace ccexpert::distributed {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kShortestBeat(50);
constexpr milliseconds kLongestBeat(1000);

/// Returns the limit of a collective.
milliseconds limit_of(const JoinOptions& options) {
  return options.collective_timeout.value_or(options.timeout);
}

class C10dCommunicator : public Communicator {
 public:
  C10dCommunicator(const Rank& rank, at::Device device, const JoinOptions& options)
      : rank_(rank), device_(device), terminate_(rank.rank) {
    const auto first = address_of_first(rank, options);
    const bool serves = rank.rank == 0 && !rank.store_runs;
    const auto listener = serves ? listen_at(first, rank.master_port) : Listener{.address = first};
    store_ = connect_to_store(rank, listener.address, options, listener.socket);
    meet(texts_of(store_, rank, "start"), rank, with_device(options));
    // A separate connection: a heartbeat must not queue behind a collective's messages.
    const auto beats = connect_to_store(rank, listener.address, options);
    heartbeat_ = std::make_unique<Heartbeat>(texts_of(beats, rank, "life"), rank.rank, rank.size,
                                             std::clamp(options.timeout / 10, kShortestBeat, kLongestBeat));
    backend_ = make_backend(first, options);
    const Watchdog::Limits limits{
        .timeout =
            device.is_cuda() ? std::optional(limit_of(options)) : std::nullopt,  // on a CPU, wait() throws
        .stop = options.stop,
        .stop_timeout = options.stop_timeout,
        .life_timeout = options.collective_timeout ? std::optional(options.timeout) : std::nullopt,
        .hopeless = [this] { return !heartbeat_->lost_rank().empty(); }};  // others may still be saving
    watchdog_ = std::make_unique<Watchdog>(
        limits, [this](const std::string& what, const std::string& why) { end_for(what, why); });
  }

  ~C10dCommunicator() override {
    // The watchdog still covers the barrier below, but not collectives that an abort breaks off.
    if (failed_ || std::uncaught_exceptions() > 0) watchdog_.reset();
    try {
      // A rank that leaves after an error does not wait for ranks that still train.
      if (failed_ || std::uncaught_exceptions() > 0) {
        // The store ends with rank 0, so the others must read its verdict first.
        if (rank_.rank == 0) std::this_thread::sleep_for(heartbeat_->time_to_tell());
        backend_->abort();
      } else {
        C10dCommunicator::barrier();
        synchronize();
        watchdog_.reset();
        backend_->shutdown();
      }
    } catch (const std::exception& error) {
      // The other ranks are gone, and the cause has been reported.
      log::debug(fmt::format("rank {}: left without the others: {}", rank_.rank, error.what()));
    }
    watchdog_.reset();
    heartbeat_.reset();
    backend_.reset();
  }

  int rank() const override { return rank_.rank; }
  int size() const override { return rank_.size; }

  Pending all_reduce_sum_async(const at::Tensor& tensor) override {
    std::vector<at::Tensor> tensors{tensor};
    return start("all_reduce", tensors, [&] { return backend_->allreduce(tensors); });
  }

  Pending reduce_scatter_sum_async(const at::Tensor& whole, const at::Tensor& shard) override {
    at::Tensor input = whole, output = shard;
    return start("reduce_scatter", {whole, shard},
                 [&] { return backend_->_reduce_scatter_base(output, input); });
  }

  Pending all_gather_async(const at::Tensor& shard, const at::Tensor& whole) override {
    at::Tensor input = shard, output = whole;
    return start("all_gather", {whole, shard}, [&] { return backend_->_allgather_base(output, input); });
  }

  void broadcast(const at::Tensor& tensor, int root) override {
    std::vector<at::Tensor> tensors{tensor};
    c10d::BroadcastOptions options;
    options.rootRank = root;
    start("broadcast", tensors, [&] { return backend_->broadcast(tensors, options); }).wait();
  }

  void barrier() override { all_reduce_sum(at::zeros({1}, at::TensorOptions().device(device_))); }

  std::vector<std::string> gather_text(const std::string& text) override try {
    const auto on_device = at::TensorOptions().device(device_);
    const auto lengths = at::empty({size()}, on_device.dtype(at::kLong));
    all_gather(at::full({1}, static_cast<int64_t>(text.size()), lengths.options()), lengths);
    const auto lengths_cpu = lengths.to(at::kCPU);
    const auto longest = std::max<int64_t>(1, lengths_cpu.max().item<int64_t>());
    auto bytes = at::zeros({longest}, at::kByte);
    std::copy(text.begin(), text.end(), bytes.mutable_data_ptr<uint8_t>());
    const auto all = at::empty({size() * longest}, on_device.dtype(at::kByte));
    all_gather(bytes.to(device_), all);
    const auto all_cpu = all.to(at::kCPU);
    std::vector<std::string> texts;
    for (int which = 0; which < size(); ++which) {
      const auto* start_of = all_cpu.const_data_ptr<uint8_t>() + which * longest;
      texts.emplace_back(start_of, start_of + lengths_cpu[which].item<int64_t>());
    }
    return texts;
  } catch (...) {
    rethrow_as_error();
  }

 private:
  /// CPU ranks and GPU ranks use different backends and cannot join.
  JoinOptions with_device(JoinOptions options) const {
    options.program += device_.is_cuda() ? " on a GPU" : " on a CPU";
    return options;
  }

  /// Waits for all ranks once more.
  Backend make_backend(const std::string& address, const JoinOptions& options) {
    const auto backend = std::make_shared<Backend>();
    auto ended = Ended::kLate;
    guarded("the start of the run", [&] {
      ended = within({.timeout = 2 * options.timeout, .stop = options.stop},
                     [=, store = store_, rank = rank_, gpu = device_.is_cuda()] {
                       *backend = gpu ? make_nccl(store, rank, limit_of(options))
                                      : make_gloo(store, rank, address, limit_of(options));
                     });
    });
    if (ended == Ended::kDone) return *backend;
    failed_ = true;
    fail(fmt::format("rank {}: the start of the run", rank_.rank),
         ended == Ended::kStopped ? "told to stop while the ranks connect"
                                  : "the ranks did not connect in time");
  }

  template <class Call>
  Pending start(const char* what, std::vector<at::Tensor> tensors, Call&& call) {
    heartbeat_->count_collective();
    c10::intrusive_ptr<c10d::Work> work;
    guarded(what, [&] { work = call(); });
    watch(what, work);
    return Pending(
        [this, what, work, tensors = std::move(tensors)] { guarded(what, [&] { work->wait(); }); });
  }

  /// Translates c10d's error, which names a socket, into one that names the rank.
  template <class Call>
  void guarded(const std::string& what, Call&& call) {
    try {
      call();
    } catch (const std::exception& error) {
      failed_ = true;
      const std::string text = error.what();
      refuse(what, text.substr(0, text.find('\n')));
    }
  }

  [[noreturn]] void refuse(const std::string& what, const std::string& unknown_reason) const {
    const auto reason = heartbeat_->diagnose();
    fail(fmt::format("rank {}: {} failed", rank_.rank, what), reason.empty() ? unknown_reason : reason,
         reason.empty() ? "" : "see the log of that rank");
  }

  void watch(const char* what, const c10::intrusive_ptr<c10d::Work>& work) {
    if (device_.is_cuda()) {
      watchdog_->watch(what, [work] { return state_of(*work); });
      return;
    }
    // On a CPU wait() throws the failure, and watching must not extend the lifetime of tensors.
    const c10::weak_intrusive_ptr<c10d::Work> weak(work);
    watchdog_->watch(what, [weak] {
      const auto alive = weak.lock();
      return alive && !alive->isCompleted() ? Watchdog::State::kRunning : Watchdog::State::kDone;
    });
  }

  static Watchdog::State state_of(c10d::Work& work) {
    if (!work.isCompleted()) return Watchdog::State::kRunning;
    return work.exception() ? Watchdog::State::kFailed : Watchdog::State::kDone;
  }

  /// Ends the process. The main thread is blocked on a GPU, or in Gloo on a rank that is gone: an exception
  /// would not reach it, and destructors would block too.
  [[noreturn]] void end_for(const std::string& what, const std::string& why) const {
    try {
      refuse(what, why);
    } catch (const std::exception& error) {
      log::error(error.what());
    }
    if (rank_.rank == 0) std::this_thread::sleep_for(heartbeat_->time_to_tell());
    std::_Exit(EXIT_FAILURE);
  }

  /// Waits for all work queued on the device.
  void synchronize() const {
    if (device_.is_cuda()) at::detail::getCUDAHooks().deviceSynchronize(device_.index());
  }

  Rank rank_;
  at::Device device_;
  TerminateGuard terminate_;
  Store store_;
  std::unique_ptr<Heartbeat> heartbeat_;
  std::unique_ptr<Watchdog> watchdog_;
  Backend backend_;
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<Communicator> join(const Rank& rank, at::Device device, const JoinOptions& options) try {
  // A launched single GPU uses NCCL, so that one GPU exercises the code of many.
  const bool alone = rank.size == 1 && !(rank.launched && device.is_cuda());
  if (alone) return single_process();
  return std::make_unique<C10dCommunicator>(rank, device, options);
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::distributed

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <thread>

#include <ATen/ATen.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/util/Logging.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>
#include <ccexpert/distributed/communicator.h>

#include "core/foreign_errors.h"
#include "distributed/address.h"
#include "distributed/bounded.h"
#include "distributed/heartbeat.h"
#include "distributed/meeting.h"
#include "distributed/terminate.h"
#include "distributed/watchdog.h"

namespace ccexpert::distributed {
namespace {

using std::chrono::milliseconds;
using Store = c10::intrusive_ptr<c10d::TCPStore>;
using Backend = c10::intrusive_ptr<c10d::Backend>;

constexpr milliseconds kShortestBeat(50);
constexpr milliseconds kLongestBeat(1000);

/// Silences c10d, which logs each broken socket with a stack trace; a rank reports once which other rank is
/// gone. TORCH_CPP_LOG_LEVEL, if set, still decides.
void quiet_c10d() {
  [[maybe_unused]] static const bool done = [] {
    if (std::getenv("TORCH_CPP_LOG_LEVEL") != nullptr) {
      c10::initLogging();
    } else {
      FLAGS_caffe2_log_level = 3;  // fatal errors only
    }
    return true;
  }();
}

/// Returns the numeric address of rank 0's machine.
std::string resolve(const Rank& rank, const JoinOptions& options) {
  const auto address = std::make_shared<std::string>();
  const auto ended = within({.timeout = options.timeout, .stop = options.stop},
                            [address, host = rank.master_address] { *address = numeric_address(host); });
  if (ended == Ended::kDone) return *address;
  const auto what = fmt::format("the address of '{}' was looked up", rank.master_address);
  if (ended == Ended::kStopped) fail("start of the run", "told to stop while " + what);
  fail("start of the run", fmt::format("no answer within {} ms when {}", options.timeout.count(), what));
}

/// Throws the reason why this rank cannot reach rank 0's store.
[[noreturn]] void refuse_place(const Rank& rank, const std::string& address, const JoinOptions& options,
                               Ended ended) {
  const auto place = fmt::format("{}:{}", address, rank.master_port);
  if (ended == Ended::kStopped) {
    const auto what = rank.rank == 0 ? "it started the store of the run" : "it waited for rank 0";
    fail("start of the run", fmt::format("rank {} was told to stop while {} at {}", rank.rank, what, place));
  }
  fail_expected(
      {place, fmt::format("rank 0 to listen there within {} ms", options.timeout.count()),
       accepts(address, rank.master_port) ? "a program that does not answer as rank 0 does" : "no answer"});
}

/// Connects to rank 0's store, and serves it on the socket `listener` if that is set.
Store connect(const Rank& rank, const std::string& address, const JoinOptions& options,
              std::optional<int> listener = {}) {
  quiet_c10d();
  c10d::TCPStoreOptions wanted;
  wanted.port = static_cast<uint16_t>(rank.master_port);
  wanted.isServer = listener.has_value();
  wanted.masterListenFd = listener;
  wanted.waitWorkers = false;
  wanted.timeout = options.timeout;
  const auto store = std::make_shared<Store>();
  const auto tell = [&] {
    log::info(fmt::format("start of the run: rank {} waits for rank 0 at {}:{} (at most {} s)", rank.rank,
                          address, rank.master_port, options.timeout.count() / 1000));
  };
  auto ended = Ended::kLate;
  try {
    ended =
        within({.timeout = options.timeout, .stop = options.stop, .notice = tell},
               [store, wanted, address] { *store = c10::make_intrusive<c10d::TCPStore>(address, wanted); });
  } catch (const std::exception& error) {
    log::debug(error.what());
  }
  if (ended == Ended::kDone) return *store;
  refuse_place(rank, address, options, ended);
}

/// Separates the keys of this run from those of other runs on the same port.
c10::intrusive_ptr<c10d::Store> of_run(const Store& store, const Rank& rank, const std::string& part) {
  return c10::make_intrusive<c10d::PrefixStore>(fmt::format("ccexpert/{}/{}", rank.run, part), store);
}

SharedTexts texts_of(const c10::intrusive_ptr<c10d::Store>& store) {
  return {.set =
              [store](const std::string& key, const std::string& text) {
                store->set(key, std::vector<uint8_t>(text.begin(), text.end()));
              },
          .get = [store](const std::string& key) -> std::optional<std::string> {
            if (!store->check({key})) return std::nullopt;
            const auto bytes = store->get(key);
            return std::string(bytes.begin(), bytes.end());
          },
          .count = [store](const std::string& key) { return store->add(key, 1); }};
}

/// Gloo listens on one interface only: that of GLOO_SOCKET_IFNAME, or the one that routes to rank 0.
std::shared_ptr<gloo::transport::Device> gloo_device(const std::string& address) {
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  if (interface != nullptr && !is_loopback(address))
    return c10d::ProcessGroupGloo::createDeviceForInterface(interface);
  return c10d::ProcessGroupGloo::createDeviceForHostname(own_address_towards(address));
}

Backend make_gloo(const Store& store, const Rank& rank, const std::string& address, milliseconds timeout) {
  auto options = c10d::ProcessGroupGloo::Options::create(timeout);
  options->devices.push_back(gloo_device(address));
  return c10::make_intrusive<c10d::ProcessGroupGloo>(of_run(store, rank, "gloo"), rank.rank, rank.size,
                                                     options);
}

#ifdef USE_C10D_NCCL
Backend make_nccl(const Store& store, const Rank& rank, milliseconds timeout) {
  // c10d would end the process with a stack trace; our watchdog ends it with one sentence. A user can still
  // set the variable.
  ::setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "0", /*overwrite=*/0);
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = 2 * timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(of_run(store, rank, "nccl"), rank.rank, rank.size,
                                                     options);
}
#else
Backend make_nccl(const Store& /*store*/, const Rank& /*rank*/, milliseconds /*timeout*/) {
  fail_expected({"distributed training on GPUs", "a build with CCEXPERT_CUDA", "a build for CPU"});
}
#endif

class C10dCommunicator : public Communicator {
 public:
  C10dCommunicator(const Rank& rank, at::Device device, const JoinOptions& options)
      : rank_(rank), device_(device), terminate_(rank.rank) {
    const auto first = resolve(rank, options);
    const bool serves = rank.rank == 0 && !rank.store_runs;
    const auto listener = serves ? listen_at(first, rank.master_port) : Listener{.address = first};
    store_ = connect(rank, listener.address, options, listener.socket);
    meet(texts_of(of_run(store_, rank, "start")), rank, with_device(options));
    // A separate connection: a heartbeat must not queue behind a collective's messages.
    const auto beats = connect(rank, listener.address, options);
    heartbeat_ = std::make_unique<Heartbeat>(texts_of(of_run(beats, rank, "life")), rank.rank, rank.size,
                                             std::clamp(options.timeout / 10, kShortestBeat, kLongestBeat));
    backend_ = make_backend(first, options);
    const Watchdog::Limits limits{
        .timeout =
            device.is_cuda() ? std::optional(options.timeout) : std::nullopt,  // on a CPU, wait() throws
        .stop = options.stop,
        .stop_timeout = options.stop_timeout,
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

  std::vector<std::string> gather_text(const std::string& text) override {
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
                       *backend = gpu ? make_nccl(store, rank, options.timeout)
                                      : make_gloo(store, rank, address, options.timeout);
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

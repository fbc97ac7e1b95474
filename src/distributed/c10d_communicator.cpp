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

#include "distributed/heartbeat.h"
#include "distributed/watchdog.h"

namespace ccexpert::distributed {
namespace {

using std::chrono::milliseconds;
using Store = c10::intrusive_ptr<c10d::TCPStore>;
using Backend = c10::intrusive_ptr<c10d::Backend>;

constexpr milliseconds kShortestBeat(50);
constexpr milliseconds kLongestBeat(1000);
constexpr milliseconds kPoll(100);

/// c10d logs each socket that breaks, with a stack trace; a rank says once, in a sentence, which of the
/// others is gone. Who sets LibTorch's own variable gets what it asks for.
void quiet_c10d() {
  [[maybe_unused]] static const bool done = [] {
    if (std::getenv("TORCH_CPP_LOG_LEVEL") != nullptr) {
      c10::initLogging();
    } else {
      FLAGS_caffe2_log_level = 3;  // fatal errors alone
    }
    return true;
  }();
}

Store connect(const Rank& rank, bool hosts, milliseconds timeout) {
  quiet_c10d();
  c10d::TCPStoreOptions options;
  options.port = static_cast<uint16_t>(rank.master_port);
  options.isServer = hosts;
  options.numWorkers = static_cast<size_t>(rank.size);
  options.waitWorkers = false;
  options.timeout = timeout;
  try {
    return c10::make_intrusive<c10d::TCPStore>(rank.master_address, options);
  } catch (const std::exception&) {
    const auto place = fmt::format("{}:{}", rank.master_address, rank.master_port);
    if (hosts) fail(place, "rank 0 cannot listen there", "is another run using the port?");
    fail({place, fmt::format("rank 0 to listen there within {} ms", timeout.count()), "no answer"});
  }
}

std::string joined_key(int rank) {
  return fmt::format("joined/{}", rank);
}

std::vector<int> missing_ranks(const Store& store, int size) {
  std::vector<int> missing;
  for (int rank = 0; rank < size; ++rank) {
    if (!store->check({joined_key(rank)})) missing.push_back(rank);
  }
  return missing;
}

/// Polls, so that all ranks learn at once what the first whose time is over has missed: rank 0 takes the
/// store with it when it goes.
std::vector<int> wait_for_all(const Store& store, const Rank& rank, milliseconds timeout) {
  constexpr const char* kGivenUp = "start/given_up";
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  store->set(joined_key(rank.rank), std::vector<uint8_t>{1});
  while (true) {
    auto missing = missing_ranks(store, rank.size);
    if (missing.empty()) return missing;
    if (store->check({kGivenUp}) || std::chrono::steady_clock::now() > deadline) {
      store->set(kGivenUp, std::vector<uint8_t>{1});
      if (rank.rank == 0) std::this_thread::sleep_for(5 * kPoll);
      return missing;
    }
    std::this_thread::sleep_for(kPoll);
  }
}

void meet(const Store& store, const Rank& rank, milliseconds timeout) {
  const auto expected = fmt::format("{} ranks within {} ms", rank.size, timeout.count());
  std::vector<int> missing;
  try {
    missing = wait_for_all(store, rank, timeout);
  } catch (const std::exception&) {
    fail({"start of the run", expected, "the end of rank 0"});
  }
  if (!missing.empty()) {
    fail({"start of the run", expected, fmt::format("no word from rank {}", fmt::join(missing, ", "))});
  }
}

SharedTexts texts_of(const Store& store) {
  return {.set =
              [store](const std::string& key, const std::string& text) {
                store->set(key, std::vector<uint8_t>(text.begin(), text.end()));
              },
          .get = [store](const std::string& key) -> std::optional<std::string> {
            if (!store->check({key})) return std::nullopt;
            const auto bytes = store->get(key);
            return std::string(bytes.begin(), bytes.end());
          }};
}

Backend make_gloo(const Store& store, const Rank& rank, milliseconds timeout) {
  auto options = c10d::ProcessGroupGloo::Options::create(timeout);
  const bool one_machine = rank.master_address == "127.0.0.1" || rank.master_address == "localhost";
  options->devices.push_back(one_machine ? c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1")
                                         : c10d::ProcessGroupGloo::createDefaultDevice());
  return c10::make_intrusive<c10d::ProcessGroupGloo>(c10::make_intrusive<c10d::PrefixStore>("gloo", store),
                                                     rank.rank, rank.size, options);
}

#ifdef USE_C10D_NCCL
Backend make_nccl(const Store& store, const Rank& rank, milliseconds timeout) {
  // c10d would end the process with a stack trace; our watchdog does it with a sentence. A user may still ask
  // for the former.
  ::setenv("TORCH_NCCL_ASYNC_ERROR_HANDLING", "0", /*overwrite=*/0);
  auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = 2 * timeout;
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(c10::make_intrusive<c10d::PrefixStore>("nccl", store),
                                                     rank.rank, rank.size, options);
}
#else
Backend make_nccl(const Store& /*store*/, const Rank& /*rank*/, milliseconds /*timeout*/) {
  fail({"distributed training on GPUs", "a build with CCEXPERT_CUDA", "a build for CPU"});
}
#endif

class C10dCommunicator : public Communicator {
 public:
  C10dCommunicator(const Rank& rank, at::Device device, milliseconds timeout)
      : rank_(rank), device_(device), store_(connect(rank, rank.rank == 0, timeout)) {
    meet(store_, rank, timeout);
    // A connection of its own: a beat must not wait behind a collective's messages.
    heartbeat_ = std::make_unique<Heartbeat>(texts_of(connect(rank, false, timeout)), rank.rank, rank.size,
                                             std::clamp(timeout / 10, kShortestBeat, kLongestBeat));
    guarded("the start of the run", [&] {
      backend_ = device.is_cuda() ? make_nccl(store_, rank, timeout) : make_gloo(store_, rank, timeout);
    });
    if (device.is_cuda())
      watchdog_ = std::make_unique<Watchdog>(timeout, [this](const std::string& what) { end_for(what); });
  }

  ~C10dCommunicator() override {
    // It still watches the barrier below, but not what an abort breaks off.
    if (failed_ || std::uncaught_exceptions() > 0) watchdog_.reset();
    try {
      // A rank that leaves for an error of its own does not wait for those that still train.
      if (failed_ || std::uncaught_exceptions() > 0) {
        // The store goes with rank 0: the others are to learn first what it found.
        if (rank_.rank == 0) std::this_thread::sleep_for(heartbeat_->time_to_tell());
        backend_->abort();
      } else {
        C10dCommunicator::barrier();
        synchronize();
        watchdog_.reset();
        backend_->shutdown();
      }
    } catch (const std::exception& error) {
      // The others are gone; whatever ended them has been reported.
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
  template <class Call>
  Pending start(const char* what, std::vector<at::Tensor> tensors, Call&& call) {
    heartbeat_->count_collective();
    c10::intrusive_ptr<c10d::Work> work;
    guarded(what, [&] { work = call(); });
    if (watchdog_) watchdog_->watch(what, [work] { return state_of(*work); });
    return Pending(
        [this, what, work, tensors = std::move(tensors)] { guarded(what, [&] { work->wait(); }); });
  }

  /// c10d says which socket broke; a user wants to know which rank.
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

  static Watchdog::State state_of(c10d::Work& work) {
    if (!work.isCompleted()) return Watchdog::State::kRunning;
    return work.exception() ? Watchdog::State::kFailed : Watchdog::State::kDone;
  }

  /// The main thread waits for a GPU that waits for a rank that is gone; nothing that is thrown would reach
  /// it, and destructors would wait with it.
  [[noreturn]] void end_for(const std::string& what) const {
    try {
      refuse(what, "it did not end in time");
    } catch (const std::exception& error) {
      log::error(error.what());
    }
    if (rank_.rank == 0) std::this_thread::sleep_for(heartbeat_->time_to_tell());
    std::_Exit(EXIT_FAILURE);
  }

  /// Returns when the device has done what was queued.
  void synchronize() const {
    if (device_.is_cuda()) at::detail::getCUDAHooks().deviceSynchronize(device_.index());
  }

  Rank rank_;
  at::Device device_;
  Store store_;
  std::unique_ptr<Heartbeat> heartbeat_;
  std::unique_ptr<Watchdog> watchdog_;  // null on a CPU, where waiting throws
  Backend backend_;
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<Communicator> join(const Rank& rank, at::Device device, milliseconds timeout) {
  // A launcher's single GPU talks to itself by NCCL, so that what many would do can be seen on one.
  const bool alone = rank.size == 1 && !(rank.launched && device.is_cuda());
  if (alone) return single_process();
  return std::make_unique<C10dCommunicator>(rank, device, timeout);
}

}  // namespace ccexpert::distributed

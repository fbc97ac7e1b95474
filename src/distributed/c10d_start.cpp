#include "distributed/c10d_start.h"

#include <cstdlib>
#include <exception>
#include <memory>

#include <c10/util/Logging.h>
#include <fmt/format.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>

#include "distributed/address.h"
#include "distributed/bounded.h"

namespace ccexpert::distributed {
namespace {

using std::chrono::milliseconds;

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

/// Separates the keys of this run from those of other runs on the same port.
c10::intrusive_ptr<c10d::Store> of_run(const Store& store, const Rank& rank, const std::string& part) {
  return c10::make_intrusive<c10d::PrefixStore>(fmt::format("ccexpert/{}/{}", rank.run, part), store);
}

/// Gloo listens on one interface only: that of GLOO_SOCKET_IFNAME, or the one that routes to rank 0.
std::shared_ptr<gloo::transport::Device> gloo_device(const std::string& address) {
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  if (interface != nullptr && !is_loopback(address))
    return c10d::ProcessGroupGloo::createDeviceForInterface(interface);
  return c10d::ProcessGroupGloo::createDeviceForHostname(own_address_towards(address));
}

}  // namespace

std::string address_of_first(const Rank& rank, const JoinOptions& options) {
  const auto address = std::make_shared<std::string>();
  const auto ended = within({.timeout = options.timeout, .stop = options.stop},
                            [address, host = rank.master_address] { *address = numeric_address(host); });
  if (ended == Ended::kDone) return *address;
  const auto what = fmt::format("the address of '{}' was looked up", rank.master_address);
  if (ended == Ended::kStopped) fail("start of the run", "told to stop while " + what);
  fail("start of the run", fmt::format("no answer within {} ms when {}", options.timeout.count(), what));
}

Store connect_to_store(const Rank& rank, const std::string& address, const JoinOptions& options,
                       std::optional<int> listener) {
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

SharedTexts texts_of(const Store& whole, const Rank& rank, const std::string& part) {
  const auto store = of_run(whole, rank, part);
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

}  // namespace ccexpert::distributed

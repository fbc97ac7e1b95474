#include "caption/caption_ranks.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>
#include <ccexpert/version.h>

#include "common/exit_code.h"
#include "common/interrupt.h"
#include "common/launched.h"
#include "distributed/shared/rank.h"
#include "runtime/device.h"

namespace ccexpert::tools {
namespace {

/// Limit for all ranks to join, and for a rank without a sign of life. A rank that dies is found at once.
constexpr std::chrono::minutes kTimeout(10);
/// Limit for the work of one rank alone: rank 0 reads a model, or waits for a pipe.
constexpr std::chrono::hours kLongestWork(24);

/// Returns the name of the program for the comparison of the ranks.
std::string program_of(const std::string& command_line) {
  const auto info = generate::build_info();
  return fmt::format("'{}' of ccexpert {} with LibTorch {}", command_line, info.version, info.libtorch);
}

}  // namespace

CaptionRanks::CaptionRanks(const CaptionCommand& command, const std::string& command_line,
                           const std::stop_token& stop)
    : command_(command), config_(command.captioner) {
  const auto rank = distributed::rank_from_environment();
  if (rank.size == 1) return;
  config_.threads = distributed::threads_of(rank, config_.threads);
  auto device = runtime::device_from_name(config_.device);
  if (device.is_cuda()) {
    config_.device = fmt::format("cuda:{}", rank.local_rank);
    device = runtime::device_from_name(config_.device);
  }
  communicator_ = distributed::join(rank, device,
                                    {.timeout = kTimeout,
                                     .collective_timeout = kLongestWork,
                                     .program = program_of(command_line),
                                     .stop = stop,
                                     .stop_timeout = kStopDeadline});
  connect(rank, device);
}

void CaptionRanks::connect(const distributed::Rank& rank, at::Device device) {
  const auto call = [this](const auto& collective) {
    try {
      return collective(*communicator_);
    } catch (...) {
      left_ = true;
      throw;
    }
  };
  link_ = {.number = rank.rank,
           .parts = rank.size,
           .device = device,
           .sum = [=](const auto& tensor) { call([&](auto& all) { all.all_reduce_sum(tensor); }); },
           .broadcast = [=](const auto& tensor) { call([&](auto& all) { all.broadcast(tensor, 0); }); },
           .gather = [=](const auto& text) { return call([&](auto& all) { return all.gather_text(text); }); },
           .in_pass = [this](bool now) { in_pass_ = now; }};
}

Captioner CaptionRanks::load() {
  if (!communicator_) return Captioner::load(command_.model, config_);
  return generate::load_first_part(command_.model, config_, link_);
}

void CaptionRanks::end(int code) {
  if (communicator_ && !in_pass_ && !std::exchange(left_, true)) generate::end_parts(link_, code);
}

void CaptionRanks::end_after_error() noexcept {
  try {
    const bool heard = !in_pass_ && !left_;
    end(kFailed);
    // Leave together with the others: during the error, this rank would wait until they know that it leaves.
    if (heard) communicator_.reset();
  } catch (const std::exception& error) {
    log::debug(error.what());
  }
}

int CaptionRanks::follow() {
  try {
    return static_cast<int>(generate::follow_first_part(command_.model, config_, link_));
  } catch (const Error& error) {
    // Rank 0 or the launcher reports a lost rank. Another launcher may run ranks on other machines.
    if (!left_ || !is_launched()) throw;
    log::debug(error.what());
    return kFailed;
  }
}

std::string CaptionRanks::description(const Captioner& captioner) const {
  const auto own = captioner.description();
  return communicator_ ? fmt::format("{}, rank 0 of {}", own, link_.parts) : own;
}

}  // namespace ccexpert::tools

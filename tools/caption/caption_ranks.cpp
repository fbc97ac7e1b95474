#include "caption/caption_ranks.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include <ccexpert/core/log.h>
#include <ccexpert/version.h>

#include "common/exit_code.h"
#include "common/interrupt.h"
#include "distributed/shared/rank.h"
#include "runtime/device.h"

namespace ccexpert::tools {
namespace {

/// Limit for all ranks to join, and for the others' wait for rank 0. A rank that dies is found at once.
constexpr std::chrono::minutes kTimeout(10);

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
                                     .program = program_of(command_line),
                                     .stop = stop,
                                     .stop_timeout = kStopDeadline});
  auto* all = communicator_.get();
  link_ = {.number = rank.rank,
           .parts = rank.size,
           .device = device,
           .sum = [all](const auto& tensor) { all->all_reduce_sum(tensor); },
           .broadcast = [all](const auto& tensor) { all->broadcast(tensor, 0); }};
}

Captioner CaptionRanks::load() {
  if (!communicator_) return Captioner::load(command_.model, config_);
  left_ = true;
  auto captioner = generate::load_first_part(command_.model, config_, link_);
  left_ = false;
  return captioner;
}

std::vector<Caption> CaptionRanks::run(const std::function<std::vector<Caption>()>& work) {
  left_ = true;
  auto captions = work();
  left_ = false;
  return captions;
}

void CaptionRanks::end(int code) {
  if (communicator_ && !std::exchange(left_, true)) generate::end_parts(link_, code);
}

void CaptionRanks::end_after_error() noexcept {
  try {
    end(kFailed);
  } catch (const std::exception& error) {
    log::debug(error.what());
  }
}

int CaptionRanks::follow() const {
  return static_cast<int>(generate::follow_first_part(command_.model, config_, link_));
}

std::string CaptionRanks::description(const Captioner& captioner) const {
  const auto own = captioner.description();
  return communicator_ ? fmt::format("{}, rank 0 of {}", own, link_.parts) : own;
}

}  // namespace ccexpert::tools

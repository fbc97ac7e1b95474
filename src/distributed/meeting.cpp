#include "distributed/meeting.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>

#include "distributed/bounded.h"

namespace ccexpert::distributed {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kPoll(100);
/// Shortest time between two log lines about missing ranks.
constexpr milliseconds kBetweenNotices(2000);
/// The store's last answer may still be in flight at the timeout.
constexpr milliseconds kGrace(1500);
constexpr const char* kStart = "start of the run";
constexpr const char* kGivenUp = "start/given_up";

std::string joined_key(int rank) {
  return fmt::format("joined/{}", rank);
}

class Meeting {
 public:
  Meeting(SharedTexts texts, const Rank& rank, const JoinOptions& options)
      : texts_(std::move(texts)), rank_(rank), options_(options), start_(Clock::now()) {}

  void wait() {
    if (texts_.count(fmt::format("started/{}", rank_.rank)) > 1) {
      give_up(fmt::format("{}: two processes claim to be rank {}", kStart, rank_.rank));
    }
    texts_.set(joined_key(rank_.rank), options_.program);
    for (auto missing = missing_ranks(); !missing.empty(); missing = missing_ranks()) {
      expect_others_go_on();
      expect_time(missing);
      if (rank_.rank == 0) tell(missing);
      std::this_thread::sleep_for(kPoll);
    }
    expect_others_go_on();
    expect_one_program();
  }

 private:
  std::vector<int> missing_ranks() const {
    std::vector<int> missing;
    for (int rank = 0; rank < rank_.size; ++rank) {
      if (!texts_.get(joined_key(rank))) missing.push_back(rank);
    }
    return missing;
  }

  /// Publishes the reason for all ranks. Rank 0 leaves last, since the store ends with it.
  [[noreturn]] void give_up(const std::string& reason) const {
    texts_.set(kGivenUp, reason);
    end_for(reason);
  }

  [[noreturn]] void end_for(const std::string& reason) const {
    if (rank_.rank == 0) std::this_thread::sleep_for(5 * kPoll);
    throw Error(reason);
  }

  void expect_others_go_on() const {
    if (const auto reason = texts_.get(kGivenUp)) end_for(*reason);
  }

  std::string there(const std::vector<int>& missing) const {
    return fmt::format("{} of {} ranks have joined", rank_.size - std::ssize(missing), rank_.size);
  }

  void expect_time(const std::vector<int>& missing) const {
    const auto names = fmt::format("rank {}", fmt::join(missing, ", "));
    if (options_.stop.stop_requested()) {
      give_up(fmt::format("{}: rank {} was told to stop while it waited for {} ({})", kStart, rank_.rank,
                          names, there(missing)));
    }
    if (Clock::now() - start_ < options_.timeout) return;
    give_up(fmt::format("{}: expected {} ranks within {} ms, got no answer from {}", kStart, rank_.size,
                        options_.timeout.count(), names));
  }

  /// Logs once after some seconds, and again after more ranks joined.
  void tell(const std::vector<int>& missing) {
    if (Clock::now() - told_at_ < kBetweenNotices || missing == told_) return;
    told_ = missing;
    told_at_ = Clock::now();
    log::info(fmt::format("{}: {}, waiting for rank {} (at most {} s)", kStart, there(missing),
                          fmt::join(missing, ", "), options_.timeout.count() / 1000));
  }

  void expect_one_program() const {
    const auto joined = [&](int rank) { return texts_.get(joined_key(rank)).value_or("nothing"); };
    const auto first = joined(0);
    for (int rank = 1; rank < rank_.size; ++rank) {
      const auto own = joined(rank);
      if (own == first) continue;
      // The store ends with rank 0, and the others have to read from it, too.
      if (rank_.rank == 0) std::this_thread::sleep_for(5 * kPoll);
      fail_expected({fmt::format("rank {}", rank), first + ", as on rank 0", own});
    }
  }

  const SharedTexts texts_;
  const Rank rank_;
  const JoinOptions options_;
  const Clock::time_point start_;
  Clock::time_point told_at_ = Clock::now();
  std::vector<int> told_;
};

}  // namespace

void meet(const SharedTexts& texts, const Rank& rank, const JoinOptions& options) {
  auto ended = Ended::kLate;
  try {
    ended = within({.timeout = options.timeout, .stop = options.stop, .grace = kGrace},
                   [=] { Meeting(texts, rank, options).wait(); });
  } catch (const Error&) {
    throw;
  } catch (const std::exception&) {
    ended = Ended::kLate;  // the store ended with rank 0
  }
  if (ended == Ended::kDone) return;
  if (ended == Ended::kStopped)
    fail(kStart, fmt::format("rank {} was told to stop while it waited for rank 0", rank.rank));
  fail_expected({kStart, fmt::format("{} ranks within {} ms", rank.size, options.timeout.count()),
                 "an exit of rank 0"});
}

}  // namespace ccexpert::distributed

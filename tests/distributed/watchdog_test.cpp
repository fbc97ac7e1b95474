// Which collectives a watchdog reports.
#include "distributed/watchdog.h"

#include <atomic>
#include <future>
#include <stdexcept>

#include <gtest/gtest.h>

namespace ccexpert::distributed {
namespace {

using std::chrono::milliseconds;
using State = Watchdog::State;

constexpr milliseconds kShort(50);
constexpr std::chrono::seconds kPatience(20);

/// What is reported, once something is.
struct Report {
  std::promise<std::string> promise;
  std::future<std::string> future = promise.get_future();
  std::function<void(const std::string&)> take() {
    return [this](const std::string& what) { promise.set_value(what); };
  }
  std::string within_patience() {
    return future.wait_for(kPatience) == std::future_status::ready ? future.get() : "nothing";
  }
};

TEST(Watchdog, NamesTheFirstThatDoesNotEnd) {
  Report report;
  Watchdog watchdog(kShort, report.take());
  watchdog.watch("first", [] { return State::kDone; });
  watchdog.watch("second", [] { return State::kRunning; });
  watchdog.watch("third", [] { return State::kRunning; });
  EXPECT_EQ(report.within_patience(), "second");
}

TEST(Watchdog, AFailureIsReportedAtOnce) {
  Report report;
  Watchdog watchdog(std::chrono::hours(1), report.take());
  watchdog.watch("sum", [] { return State::kFailed; });
  EXPECT_EQ(report.within_patience(), "sum");
  Report thrown;
  Watchdog other(std::chrono::hours(1), thrown.take());
  other.watch("gather", []() -> State { throw std::runtime_error("gone"); });
  EXPECT_EQ(thrown.within_patience(), "gather");
}

TEST(Watchdog, WhatEndsInTimeIsForgotten) {
  std::atomic<int> looks = 0;
  std::atomic<bool> reported = false;
  {
    Watchdog watchdog(std::chrono::seconds(30), [&](const std::string&) { reported = true; });
    for (int i = 0; i < 20; ++i) {
      watchdog.watch("sum", [&looks, left = 3]() mutable {
        ++looks;
        return --left > 0 ? State::kRunning : State::kDone;
      });
    }
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (looks < 60 && std::chrono::steady_clock::now() < deadline)
      std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_EQ(looks, 60);
  EXPECT_FALSE(reported);
}

TEST(Watchdog, EndsAtOnceWithWorkLeft) {
  std::atomic<bool> reported = false;
  const auto start = std::chrono::steady_clock::now();
  {
    Watchdog watchdog(std::chrono::hours(1), [&](const std::string&) { reported = true; });
    watchdog.watch("sum", [] { return State::kRunning; });
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, kPatience);
  EXPECT_FALSE(reported);
}

}  // namespace
}  // namespace ccexpert::distributed

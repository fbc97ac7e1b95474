// Collectives that the watchdog reports.
#include "distributed/watchdog.h"

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

namespace ccexpert::distributed {
namespace {

using std::chrono::milliseconds;
using State = Watchdog::State;

constexpr milliseconds kShort(50);
constexpr std::chrono::seconds kPatience(20);

/// Waits for a report and returns it.
struct Report {
  std::promise<std::string> promise;
  std::future<std::string> future = promise.get_future();
  Watchdog::OnLate take() {
    return [this](const std::string& what, const std::string& why) {
      reason = why;
      promise.set_value(what);
    };
  }
  std::string reason;
  std::string within_patience() {
    return future.wait_for(kPatience) == std::future_status::ready ? future.get() : "nothing";
  }
};

TEST(Watchdog, NamesTheFirstThatDoesNotEnd) {
  Report report;
  Watchdog watchdog({.timeout = kShort}, report.take());
  watchdog.watch("first", [] { return State::kDone; });
  watchdog.watch("second", [] { return State::kRunning; });
  watchdog.watch("third", [] { return State::kRunning; });
  EXPECT_EQ(report.within_patience(), "second");
}

TEST(Watchdog, AFailureIsReportedAtOnce) {
  Report report;
  Watchdog watchdog({.timeout = std::chrono::hours(1)}, report.take());
  watchdog.watch("sum", [] { return State::kFailed; });
  EXPECT_EQ(report.within_patience(), "sum");
  Report thrown;
  Watchdog other({.timeout = std::chrono::hours(1)}, thrown.take());
  other.watch("gather", []() -> State { throw std::runtime_error("gone"); });
  EXPECT_EQ(thrown.within_patience(), "gather");
}

TEST(Watchdog, AfterAStopACollectiveHasLessTime) {
  Report report;
  std::stop_source stop;
  Watchdog watchdog({.stop = stop.get_token(), .stop_timeout = milliseconds(1000)}, report.take());
  std::atomic<bool> first_ends = false;
  watchdog.watch("first", [&] { return first_ends ? State::kDone : State::kRunning; });
  watchdog.watch("second", [] { return State::kRunning; });
  EXPECT_EQ(report.future.wait_for(milliseconds(1500)), std::future_status::timeout);
  stop.request_stop();
  std::this_thread::sleep_for(milliseconds(600));
  first_ends = true;
  // The second collective's limit counts from the end of the first.
  EXPECT_EQ(report.future.wait_for(milliseconds(600)), std::future_status::timeout);
  EXPECT_EQ(report.within_patience(), "second");
  EXPECT_EQ(report.reason, "it did not end within 1 s after the stop");
}

TEST(Watchdog, AfterAStopACollectiveThatMayEndHasItsTimeAgain) {
  Report report;
  std::stop_source stop;
  std::atomic<int> asked = 0;
  Watchdog watchdog(
      {.stop = stop.get_token(), .stop_timeout = kShort, .hopeless = [&] { return ++asked == 3; }},
      report.take());
  watchdog.watch("sum", [] { return State::kRunning; });
  stop.request_stop();
  EXPECT_EQ(report.within_patience(), "sum");
  EXPECT_EQ(asked, 3);
}

TEST(Watchdog, ACollectiveWithoutALimitEndsIfARankIsGone) {
  Report report;
  std::atomic<int> asked = 0;
  Watchdog watchdog({.stop_timeout = std::chrono::hours(1),
                     .life_timeout = kShort,
                     .hopeless = [&] { return ++asked == 3; }},
                    report.take());
  watchdog.watch("first", [&] { return asked == 2 ? State::kDone : State::kRunning; });
  watchdog.watch("second", [] { return State::kRunning; });
  EXPECT_EQ(report.within_patience(), "second");
  EXPECT_EQ(report.reason, "it did not end, and a rank is gone");
}

TEST(Watchdog, WhatEndsInTimeIsForgotten) {
  std::atomic<int> looks = 0;
  std::atomic<bool> reported = false;
  {
    Watchdog watchdog({.timeout = std::chrono::seconds(30)},
                      [&](const std::string&, const std::string&) { reported = true; });
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
    Watchdog watchdog({.timeout = std::chrono::hours(1)},
                      [&](const std::string&, const std::string&) { reported = true; });
    watchdog.watch("sum", [] { return State::kRunning; });
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, kPatience);
  EXPECT_FALSE(reported);
}

}  // namespace
}  // namespace ccexpert::distributed

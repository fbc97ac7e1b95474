// Calls with a time limit.
#include "distributed/bounded.h"

#include <thread>

#include <gtest/gtest.h>

#include "support/errors.h"

namespace ccexpert::distributed {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::minutes kLong(5);

void hang() {
  std::this_thread::sleep_for(std::chrono::hours(1));
}

TEST(Within, ReturnsWhenTheWorkIsDone) {
  EXPECT_EQ(within({.timeout = kLong}, [] {}), Ended::kDone);
}

TEST(Within, ThrowsWhatTheWorkThrows) {
  EXPECT_EQ(test::error_of([] { within({.timeout = kLong}, [] { fail("it", "broke"); }); }), "it: broke");
}

TEST(Within, LeavesWorkThatHangs) {
  EXPECT_EQ(within({.timeout = milliseconds(20)}, hang), Ended::kLate);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(within({.timeout = kLong, .stop = stop.get_token()}, hang), Ended::kStopped);
}

TEST(Within, GivesWorkItsGraceAfterAStop) {
  std::stop_source stop;
  stop.request_stop();
  const auto work = [] { std::this_thread::sleep_for(milliseconds(100)); };
  EXPECT_EQ(within({.timeout = kLong, .stop = stop.get_token(), .grace = kLong}, work), Ended::kDone);
}

TEST(Within, NoticesWorkThatTakesLong) {
  int notices = 0;
  const auto notice = [&] { ++notices; };
  within({.timeout = kLong, .notice = notice}, [] {});
  EXPECT_EQ(notices, 0);
  within({.timeout = milliseconds(2500), .notice = notice}, hang);
  EXPECT_EQ(notices, 1);
}

}  // namespace
}  // namespace ccexpert::distributed

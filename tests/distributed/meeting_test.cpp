// Start of a run, with a map as the store.
#include "distributed/meeting.h"

#include <future>
#include <map>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace ccexpert::distributed {
namespace {

using std::chrono::milliseconds;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::chrono::minutes kLong(5);

class MeetingTest : public ::testing::Test {
 protected:
  SharedTexts texts() {
    return {.set =
                [this](const std::string& key, const std::string& text) {
                  const std::lock_guard lock(mutex_);
                  texts_[key] = text;
                },
            .get = [this](const std::string& key) -> std::optional<std::string> {
              const std::lock_guard lock(mutex_);
              const auto found = texts_.find(key);
              return found == texts_.end() ? std::nullopt : std::optional(found->second);
            },
            .count =
                [this](const std::string& key) {
                  const std::lock_guard lock(mutex_);
                  return ++counts_[key];
                }};
  }
  static Rank rank_of(int rank, int size) { return {.rank = rank, .size = size}; }
  /// Returns the error of each of `ranks`.
  std::vector<std::string> meet_as(const std::vector<Rank>& ranks,
                                   const std::function<JoinOptions(int)>& options) {
    std::vector<std::future<std::string>> answers;
    for (const auto& rank : ranks) {
      answers.push_back(std::async(std::launch::async, [this, rank, &options] {
        return test::error_of([&] { meet(texts(), rank, options(rank.rank)); });
      }));
    }
    std::vector<std::string> errors;
    for (auto& answer : answers) errors.push_back(answer.get());
    return errors;
  }

  std::mutex mutex_;
  std::map<std::string, std::string> texts_;
  std::map<std::string, int64_t> counts_;
};

TEST_F(MeetingTest, EndsWhenAllAreThere) {
  const auto errors = meet_as({rank_of(0, 3), rank_of(1, 3), rank_of(2, 3)},
                              [](int) { return JoinOptions{.timeout = kLong, .program = "this one"}; });
  EXPECT_THAT(errors, Each("no error"));
}

TEST_F(MeetingTest, AnotherProgramIsNamedOnAllRanks) {
  const auto errors = meet_as({rank_of(0, 3), rank_of(1, 3), rank_of(2, 3)}, [](int rank) {
    return JoinOptions{.timeout = kLong, .program = rank == 2 ? "ccexpert 2" : "ccexpert 1"};
  });
  EXPECT_THAT(errors, Each("rank 2: expected ccexpert 1, as on rank 0, got ccexpert 2"));
}

TEST_F(MeetingTest, ARankThatWasStartedTwiceEndsTheRun) {
  const auto errors = meet_as({rank_of(0, 3), rank_of(1, 3), rank_of(1, 3)},
                              [](int) { return JoinOptions{.timeout = kLong}; });
  EXPECT_THAT(errors, Each("start of the run: two processes claim to be rank 1"));
}

TEST_F(MeetingTest, AStopOfOneEndsTheWaitOfAllWithItsReason) {
  std::stop_source stop;
  const auto start = std::chrono::steady_clock::now();
  std::thread later([&] {
    std::this_thread::sleep_for(milliseconds(300));
    stop.request_stop();
  });
  const auto errors = meet_as({rank_of(0, 4), rank_of(1, 4)}, [&](int rank) {
    return JoinOptions{.timeout = kLong, .stop = rank == 1 ? stop.get_token() : std::stop_token()};
  });
  later.join();
  EXPECT_THAT(errors, Each("start of the run: rank 1 was told to stop while it waited for rank 2, 3 (2 of 4 "
                           "ranks have joined)"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(30));
}

TEST_F(MeetingTest, AStoreThatHangsDoesNotKeepAStoppedRank) {
  std::stop_source stop;
  stop.request_stop();
  auto hanging = texts();
  hanging.get = [](const std::string&) -> std::optional<std::string> {
    std::this_thread::sleep_for(std::chrono::hours(1));
    return std::nullopt;
  };
  EXPECT_EQ(
      test::error_of([&] { meet(hanging, rank_of(1, 2), {.timeout = kLong, .stop = stop.get_token()}); }),
      "start of the run: rank 1 was told to stop while it waited for rank 0");
}

TEST_F(MeetingTest, TheFirstRankSaysWhomItWaitsFor) {
  ::testing::internal::CaptureStderr();
  const auto errors =
      meet_as({rank_of(0, 3), rank_of(2, 3)}, [](int) { return JoinOptions{.timeout = milliseconds(3500)}; });
  const auto printed = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(printed,
              HasSubstr("start of the run: 2 of 3 ranks have joined, waiting for rank 1 (at most 3 s)"));
  EXPECT_EQ(std::count(printed.begin(), printed.end(), '\n'), 1) << printed;
  EXPECT_THAT(errors, Each("start of the run: expected 3 ranks within 3500 ms, got no answer from rank 1"));
}

}  // namespace
}  // namespace ccexpert::distributed

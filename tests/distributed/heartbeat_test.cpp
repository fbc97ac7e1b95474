// Verdicts that ranks draw from each other's heartbeats.
#include "distributed/heartbeat.h"

#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ccexpert::distributed {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kInterval(20);

/// Texts that all ranks of this process share.
class Board {
 public:
  SharedTexts texts() {
    return {.set =
                [this](const std::string& key, const std::string& text) {
                  const std::lock_guard lock(mutex_);
                  if (gone_) throw std::runtime_error("gone");
                  texts_[key] = text;
                },
            .get = [this](const std::string& key) -> std::optional<std::string> {
              const std::lock_guard lock(mutex_);
              if (gone_) throw std::runtime_error("gone");
              const auto known = texts_.find(key);
              return known == texts_.end() ? std::nullopt : std::optional(known->second);
            }};
  }
  std::unique_lock<std::mutex> hang() { return std::unique_lock(mutex_); }
  void vanish() {
    const std::lock_guard lock(mutex_);
    gone_ = true;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> texts_;
  bool gone_ = false;
};

class Heartbeats : public ::testing::Test {
 protected:
  Heartbeat& rank(int which) { return *ranks_.at(which); }
  void start(int size) {
    for (int which = 0; which < size; ++which)
      ranks_[which] = std::make_unique<Heartbeat>(board_.texts(), which, size, kInterval);
    std::this_thread::sleep_for(3 * kInterval);
  }

  /// Returns the diagnosis of a rank. One that finds something wrong is asked again for a while: on a loaded
  /// machine a living rank can be late.
  std::string settled_diagnosis(int which) {
    std::string found = rank(which).diagnose();
    for (int more = 0; more < 100 && !found.empty(); ++more) {
      std::this_thread::sleep_for(kInterval);
      found = rank(which).diagnose();
    }
    return found;
  }

  Board board_;
  std::map<int, std::unique_ptr<Heartbeat>> ranks_;
};

TEST_F(Heartbeats, NothingIsWrongWhereAllLive) {
  start(3);
  for (int which = 0; which < 3; ++which) rank(which).count_collective();
  for (int which = 0; which < 3; ++which) EXPECT_EQ(settled_diagnosis(which), "");
  // A rank that is ahead of the others is not at fault.
  rank(1).count_collective();
  EXPECT_EQ(settled_diagnosis(0), "");
}

TEST_F(Heartbeats, ARankThatEndedIsNamed) {
  start(3);
  ranks_.erase(1);
  EXPECT_EQ(rank(0).diagnose(), "rank 1 shows no sign of life");
  EXPECT_EQ(rank(2).diagnose(), "rank 1 shows no sign of life");
}

TEST_F(Heartbeats, ARankThatNeverBeganIsNamed) {
  Heartbeat alone(board_.texts(), 0, 2, kInterval);
  EXPECT_EQ(alone.diagnose(), "rank 1 shows no sign of life");
}

TEST_F(Heartbeats, ARankThatIsBehindIsNamed) {
  start(3);
  for (const int which : {0, 0, 0, 1, 1, 1, 2}) rank(which).count_collective();
  EXPECT_EQ(rank(0).diagnose(), "rank 2 lives, but is 2 collectives behind");
  EXPECT_EQ(rank(1).diagnose(), "rank 2 lives, but is 2 collectives behind");
}

TEST_F(Heartbeats, WhatOneFoundHoldsForAll) {
  start(4);
  ranks_.erase(1);
  EXPECT_EQ(rank(0).diagnose(), "rank 1 shows no sign of life");
  std::this_thread::sleep_for(rank(0).time_to_tell());
  // Rank 0, which found it, stops too, but is not blamed.
  ranks_.erase(0);
  EXPECT_EQ(rank(2).diagnose(), "rank 1 shows no sign of life");
  ranks_.erase(2);
  EXPECT_EQ(rank(3).diagnose(), "rank 1 shows no sign of life");
}

TEST_F(Heartbeats, DeathCountsBeforeBeingBehind) {
  start(3);
  for (const int which : {0, 2, 2}) rank(which).count_collective();
  ranks_.erase(2);
  rank(0).count_collective();
  EXPECT_EQ(rank(0).diagnose(), "rank 2 shows no sign of life");
}

TEST_F(Heartbeats, WithoutTheTextsTheFirstRankIsGone) {
  start(2);
  board_.vanish();
  EXPECT_EQ(rank(1).diagnose(), "rank 0 shows no sign of life");
}

TEST_F(Heartbeats, TextsThatNeverAnswerHoldNobodyUp) {
  start(2);
  auto hanging = board_.hang();
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(rank(1).diagnose(), "rank 0 shows no sign of life");
  ranks_.clear();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
  hanging.unlock();
  std::this_thread::sleep_for(2 * kInterval);  // the blocked threads must end before the board does
}

TEST_F(Heartbeats, EndsAtOnce) {
  auto slow = std::make_unique<Heartbeat>(board_.texts(), 0, 1, std::chrono::hours(1));
  const auto start = std::chrono::steady_clock::now();
  slow.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
}

}  // namespace
}  // namespace ccexpert::distributed

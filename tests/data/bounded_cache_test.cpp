#include "data/bounded_cache.h"

#include <latch>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace ccexpert::data {
namespace {

std::shared_ptr<const int> number(int value) {
  return std::make_shared<const int>(value);
}

TEST(BoundedCache, FindsWhatItKeepsAndNothingElse) {
  ByteBudget budget(100);
  BoundedCache<int> cache(budget);
  EXPECT_EQ(cache.find("a"), nullptr);
  cache.offer("a", number(1), 10);
  ASSERT_NE(cache.find("a"), nullptr);
  EXPECT_EQ(*cache.find("a"), 1);
  EXPECT_EQ(cache.find("b"), nullptr);
}

TEST(BoundedCache, WhatCameFirstStaysAndWhatHasNoRoomGoes) {
  ByteBudget budget(10);
  BoundedCache<int> cache(budget);
  cache.offer("a", number(1), 6);
  cache.offer("b", number(2), 5);
  cache.offer("c", number(3), 4);
  cache.offer("d", number(4), 1);
  EXPECT_EQ(*cache.find("a"), 1);
  EXPECT_EQ(cache.find("b"), nullptr);
  EXPECT_EQ(*cache.find("c"), 3);
  EXPECT_EQ(cache.find("d"), nullptr);
}

TEST(BoundedCache, ASecondOfferCostsNothingAndChangesNothing) {
  ByteBudget budget(10);
  BoundedCache<int> cache(budget);
  cache.offer("a", number(1), 5);
  cache.offer("a", number(2), 5);
  cache.offer("b", number(3), 5);
  EXPECT_EQ(*cache.find("a"), 1);
  EXPECT_NE(cache.find("b"), nullptr);
}

TEST(BoundedCache, SeveralTakeFromOneBudget) {
  ByteBudget budget(10);
  BoundedCache<int> first(budget), second(budget);
  first.offer("a", number(1), 7);
  second.offer("a", number(2), 7);
  second.offer("b", number(3), 3);
  EXPECT_NE(first.find("a"), nullptr);
  EXPECT_EQ(second.find("a"), nullptr);
  EXPECT_NE(second.find("b"), nullptr);
}

TEST(BoundedCache, ThreadsTogetherKeepToTheBudget) {
  constexpr int kThreads = 8, kKeys = 500, kKept = 150;
  ByteBudget budget(3 * kKept);
  BoundedCache<int> caches[2] = {BoundedCache<int>(budget), BoundedCache<int>(budget)};
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (int key = 0; key < kKeys; ++key) {
          auto& cache = caches[(thread + key) % 2];
          const auto kept = cache.find(std::to_string(key));
          if (!kept) cache.offer(std::to_string(key), number(key), 3);
        }
      });
    }
  }
  int kept = 0;
  for (const auto& cache : caches) {
    for (int key = 0; key < kKeys; ++key) {
      const auto value = cache.find(std::to_string(key));
      if (!value) continue;
      EXPECT_EQ(*value, key);
      ++kept;
    }
  }
  EXPECT_EQ(kept, kKept);
}

TEST(ByteBudget, GivesOutEveryByteOnce) {
  // Enough calls that threads overlap even on one core.
  constexpr int64_t kBytes = 4'000'000;
  constexpr int kThreads = 4;
  ByteBudget budget(kBytes);
  std::atomic<int64_t> taken = 0;
  std::latch start(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&] {
        int64_t own = 0;
        for (start.arrive_and_wait(); budget.take(1);) ++own;
        taken += own;
      });
    }
  }
  EXPECT_EQ(taken, kBytes);
  EXPECT_FALSE(budget.take(1));
  EXPECT_TRUE(budget.take(0));
}

}  // namespace
}  // namespace ccexpert::data

#include "generate/fair_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ccexpert::generate {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<int> drained(FairQueue<int>& queue) {
  std::vector<int> items;
  while (auto item = queue.pop()) items.push_back(*item);
  return items;
}

TEST(FairQueue, ClientsTakeTurnsInTheOrderOfTheirRequests) {
  FairQueue<int> queue;
  for (const int item : {1, 2, 3, 4}) queue.push("many", item);
  queue.push("few", 10);
  queue.push("some", 20);
  queue.push("some", 21);
  EXPECT_EQ(queue.size(), 7u);
  EXPECT_EQ(queue.size_of("some"), 2u);
  EXPECT_THAT(drained(queue), ElementsAre(1, 10, 20, 2, 21, 3, 4));
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.size_of("some"), 0u);
}

TEST(FairQueue, AClientThatComesBackWaitsForTheOthers) {
  FairQueue<int> queue;
  queue.push("a", 1);
  queue.push("b", 2);
  queue.push("b", 3);
  EXPECT_EQ(queue.pop(), 1);
  queue.push("a", 4);
  EXPECT_THAT(drained(queue), ElementsAre(2, 4, 3));
}

TEST(FairQueue, RemovesItemsOutOfTurn) {
  FairQueue<int> queue;
  for (const int item : {1, 2, 3}) queue.push("a", item);
  queue.push("b", 4);
  queue.push("c", 5);
  EXPECT_THAT(queue.remove_if([](int item) { return item % 2 == 0; }), ElementsAre(2, 4));
  EXPECT_EQ(queue.size(), 3u);
  EXPECT_THAT(drained(queue), ElementsAre(1, 5, 3));
  EXPECT_THAT(queue.remove_if([](int) { return true; }), IsEmpty());
}

}  // namespace
}  // namespace ccexpert::generate

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <ccexpert/model/kv_cache.h>

#include "support/errors.h"

namespace ccexpert::model {
namespace {

using test::error_of;

/// Returns keys [rows,1,tokens,1] with these values.
at::Tensor keys(int64_t rows, const std::vector<float>& values) {
  return at::tensor(values).view({rows, 1, -1, 1});
}

KvCache filled(const at::Tensor& values, int64_t capacity) {
  KvCache cache(1, capacity);
  cache.append(0, values, -values);
  cache.advance(std::vector<int64_t>(static_cast<size_t>(values.size(0)), values.size(2)));
  return cache;
}

TEST(KvCache, TruncatedRowsContinueAfterWhatIsLeft) {
  auto cache = filled(keys(2, {1, 2, 3, 4, 5, 6}), 4);
  cache.truncate({1, 2});
  EXPECT_EQ(cache.lengths(), (std::vector<int64_t>{1, 2}));
  const auto view = cache.append(0, keys(2, {8, 9}), keys(2, {-8, -9}));
  EXPECT_TRUE(at::equal(view.keys, keys(2, {1, 8, 3, 4, 5, 9})));
  EXPECT_TRUE(at::equal(view.values, -view.keys));
}

TEST(KvCache, RefusesToKeepMoreThanThereIs) {
  auto cache = filled(keys(2, {1, 2, 3, 4}), 4);
  EXPECT_EQ(error_of([&] {
              cache.truncate({2, 3});
            }),
            "KV cache: expected to keep at most 2 tokens of row 1, got 3");
  EXPECT_EQ(cache.lengths(), (std::vector<int64_t>{2, 2}));
}

TEST(KvCache, ReservedCapacityKeepsTheTokens) {
  auto cache = filled(keys(1, {1, 2}), 2);
  EXPECT_EQ(error_of([&] { cache.append(0, keys(1, {3}), keys(1, {3})); }),
            "KV cache: expected at most 2 tokens, got 3");
  cache.reserve(3);
  EXPECT_EQ(cache.capacity(), 3);
  EXPECT_TRUE(at::equal(cache.append(0, keys(1, {3}), keys(1, {-3})).keys, keys(1, {1, 2, 3})));
  cache.reserve(1);
  EXPECT_EQ(cache.capacity(), 3) << "never less";
}

TEST(KvCache, StartsWithSomeTokensInEachRow) {
  KvCache cache(2, 5);
  const auto first = at::tensor({1.F, 2.F, 3.F, 4.F, 5.F, 6.F}).view({2, 1, 3, 1});  // two layers
  cache.start(first, -first, {3, 1});
  EXPECT_EQ(cache.lengths(), (std::vector<int64_t>{3, 1}));
  EXPECT_TRUE(at::equal(cache.held(1).keys, keys(2, {4, 5, 6, 4, 5, 6})));
  const auto view = cache.append(1, keys(2, {8, 9}), keys(2, {-8, -9}));
  EXPECT_TRUE(at::equal(view.keys, keys(2, {4, 5, 6, 8, 4, 9, 6, 0})));
  EXPECT_TRUE(at::equal(view.values, -view.keys));
}

TEST(KvCache, LaterTokensFollowTheLastPositionGiven) {
  KvCache cache(1, 6);
  EXPECT_TRUE(cache.skipped().empty());
  cache.place(at::tensor({0, 4, 5, 0, 2, 3}, at::kLong).view({2, 3}));
  cache.append(0, keys(2, {1, 2, 3, 4, 5, 6}), keys(2, {1, 2, 3, 4, 5, 6}));
  cache.advance({3, 2});  // the last token of the second row is padding
  EXPECT_FALSE(cache.places().defined());
  EXPECT_EQ(cache.skipped(), (std::vector<int64_t>{3, 1}));
  cache.advance({1, 1});
  EXPECT_EQ(cache.skipped(), (std::vector<int64_t>{3, 1}));
  cache.select_rows({1, 1, 0});
  EXPECT_EQ(cache.skipped(), (std::vector<int64_t>{1, 1, 3}));
}

TEST(KvCache, RowsJoinWithTheirOwnLengths) {
  const auto long_ones = filled(keys(2, {1, 2, 3, 4, 5, 6}), 3);
  KvCache cache(1, 0);
  cache.join(long_ones, 1, 5);
  EXPECT_EQ(cache.capacity(), 5);
  cache.join(filled(keys(1, {7}), 1), 0, 2);
  EXPECT_EQ(cache.capacity(), 5) << "never less";
  EXPECT_EQ(cache.lengths(), (std::vector<int64_t>{3, 1}));
  const auto view = cache.append(0, keys(2, {8, 9}), keys(2, {-8, -9}));
  EXPECT_TRUE(at::equal(view.keys, keys(2, {4, 5, 6, 8, 7, 9, 0, 0})));
  EXPECT_TRUE(at::equal(view.values, -view.keys));
  EXPECT_TRUE(at::equal(long_ones.held(0).keys, keys(2, {1, 2, 3, 4, 5, 6}))) << "the source stays";
}

TEST(KvCache, ALongerRowThatJoinsEnlargesTheOthers) {
  KvCache cache(1, 0);
  cache.join(filled(keys(1, {1}), 1), 0, 1);
  cache.join(filled(keys(1, {2, 3, 4}), 3), 0, 1);
  EXPECT_EQ(cache.capacity(), 3);
  EXPECT_TRUE(at::equal(cache.held(0).keys, keys(2, {1, 0, 0, 2, 3, 4})));
}

TEST(KvCache, TheLastRowTakesThePlaceOfOneThatLeaves) {
  KvCache cache(1, 0);
  cache.join(filled(keys(1, {1, 2, 3}), 3), 0, 4);
  cache.join(filled(keys(1, {4}), 1), 0, 4);
  cache.join(filled(keys(1, {5, 6}), 2), 0, 4);
  cache.leave(0);
  EXPECT_EQ(cache.lengths(), (std::vector<int64_t>{2, 1}));
  EXPECT_TRUE(at::equal(cache.held(0).keys, keys(2, {5, 6, 4, 0}))) << "and no token of the old row";
  cache.leave(1);
  EXPECT_EQ(cache.lengths(), (std::vector<int64_t>{2}));
  cache.join(filled(keys(1, {7}), 1), 0, 4);
  EXPECT_TRUE(at::equal(cache.append(0, keys(2, {8, 9}), keys(2, {8, 9})).keys, keys(2, {5, 6, 8, 7, 9, 0})));
}

TEST(KvCache, RowsJoinAfterAReservationAndASelection) {
  KvCache cache(1, 0);
  cache.join(filled(keys(1, {1, 2}), 2), 0, 2);
  cache.join(filled(keys(1, {3, 4}), 2), 0, 2);
  cache.leave(0);
  cache.reserve(4);
  cache.join(filled(keys(1, {5, 6}), 2), 0, 3);
  EXPECT_TRUE(at::equal(cache.held(0).keys, keys(2, {3, 4, 5, 6})));
  cache.select_rows({1, 0});
  cache.join(filled(keys(1, {7, 8}), 2), 0, 3);
  EXPECT_TRUE(at::equal(cache.held(0).keys, keys(3, {5, 6, 3, 4, 7, 8})));
}

TEST(KvCache, RowsWithPositionsOfTheirOwnJoinOthers) {
  KvCache placed(1, 3);
  placed.place(at::tensor({0, 5}, at::kLong).view({1, 2}));
  placed.append(0, keys(1, {1, 2}), keys(1, {1, 2}));
  placed.advance({2});
  KvCache cache(1, 0);
  cache.join(filled(keys(1, {1}), 1), 0, 4);
  EXPECT_TRUE(cache.skipped().empty());
  cache.join(placed, 0, 4);
  EXPECT_EQ(cache.skipped(), (std::vector<int64_t>{0, 4}));
  cache.join(filled(keys(1, {1}), 1), 0, 4);
  EXPECT_EQ(cache.skipped(), (std::vector<int64_t>{0, 4, 0}));
  cache.leave(0);
  EXPECT_EQ(cache.skipped(), (std::vector<int64_t>{0, 4}));
}

}  // namespace
}  // namespace ccexpert::model

// Structs of numbers that ranks exchange in one tensor.
#include "train/packed.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "support/ranks.h"

namespace ccexpert::train {
namespace {

struct Numbers {
  double loss = 0.0;
  int64_t tokens = 0;
  int64_t pairs = 0;

  static constexpr auto fields() { return std::tuple{&Numbers::loss, &Numbers::tokens, &Numbers::pairs}; }
};

TEST(Packed, EveryFieldComesBack) {
  const auto packed = pack(Numbers{0.1, (int64_t{1} << 53) - 1, -7});
  EXPECT_EQ(packed.sizes(), at::IntArrayRef{kFields<Numbers>});
  const auto numbers = unpack<Numbers>(packed);
  EXPECT_EQ(numbers.loss, 0.1);
  EXPECT_EQ(numbers.tokens, (int64_t{1} << 53) - 1);
  EXPECT_EQ(numbers.pairs, -7);
  const auto broken = unpack<Numbers>(pack(Numbers{std::numeric_limits<double>::quiet_NaN(), 1, 2}));
  EXPECT_TRUE(std::isnan(broken.loss));
  EXPECT_EQ(broken.pairs, 2);
}

TEST(Packed, RanksSumAndSeeAllNumbers) {
  test::in_ranks(2, [](int rank) {
    const auto all = test::join_ranks();
    const Numbers own{.loss = 0.5 + rank, .tokens = 10 * (1 + rank), .pairs = rank};
    const auto sums = sum_over_ranks(own, *all, at::kCPU);
    EXPECT_EQ(sums.loss, 2.0);
    EXPECT_EQ(sums.tokens, 30);
    EXPECT_EQ(sums.pairs, 1);
    const auto each = gather_from_ranks(own, *all, at::kCPU);
    ASSERT_EQ(each.size(), 2U);
    EXPECT_EQ(each[0].tokens, 10);
    EXPECT_EQ(each[1].tokens, 20);
    EXPECT_EQ(each[1].loss, 1.5);
  });
}

}  // namespace
}  // namespace ccexpert::train

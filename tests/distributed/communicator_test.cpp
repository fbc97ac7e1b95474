// Collectives between real processes over Gloo, and of a single process.
#include "distributed/shared/communicator.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/ranks.h"

namespace ccexpert::distributed {
namespace {

using test::in_ranks;
using test::join_ranks;
using ::testing::ElementsAre;

constexpr at::ScalarType kTypes[] = {at::kFloat, at::kDouble, at::kBFloat16, at::kLong};
constexpr int64_t kSizes[] = {1, 7, 1000};

/// Small integers, so that sums are exact in every dtype; they differ by rank and element.
at::Tensor values(int64_t elements, int rank, at::ScalarType type) {
  return (at::arange(elements, at::kLong).remainder(5) + rank).to(type);
}

/// values() summed over `ranks`.
at::Tensor sums(int64_t elements, int ranks, at::ScalarType type) {
  auto sum = at::zeros({elements}, at::kLong);
  for (int rank = 0; rank < ranks; ++rank) sum += values(elements, rank, at::kLong);
  return sum.to(type);
}

class Collectives : public ::testing::TestWithParam<int> {
 protected:
  /// Runs `check(communicator, elements, dtype)` on all ranks, for all sizes and dtypes.
  template <class Check>
  void for_all(Check&& check) {
    in_ranks(GetParam(), [&](int) {
      const auto communicator = join_ranks();
      for (const auto type : kTypes) {
        for (const int64_t elements : kSizes) check(*communicator, elements, type);
      }
    });
  }
};

INSTANTIATE_TEST_SUITE_P(Ranks, Collectives, ::testing::Values(2, 3, 4),
                         [](const auto& ranks) { return "of" + std::to_string(ranks.param); });

TEST_P(Collectives, AllReduceSums) {
  for_all([](Communicator& all, int64_t elements, at::ScalarType type) {
    const auto tensor = values(elements, all.rank(), type);
    all.all_reduce_sum(tensor);
    EXPECT_TRUE(at::equal(tensor, sums(elements, all.size(), type))) << type << " x " << elements;
  });
}

TEST_P(Collectives, ReduceScatterGivesEachRankItsPart) {
  for_all([](Communicator& all, int64_t elements, at::ScalarType type) {
    const auto whole = values(elements * all.size(), all.rank(), type);
    const auto shard = at::empty({elements}, type);
    all.reduce_scatter_sum(whole, shard);
    const auto expected =
        sums(elements * all.size(), all.size(), type).slice(0, all.rank() * elements).slice(0, 0, elements);
    EXPECT_TRUE(at::equal(shard, expected)) << type << " x " << elements;
  });
}

TEST_P(Collectives, AllGatherIsInTheOrderOfRanks) {
  for_all([](Communicator& all, int64_t elements, at::ScalarType type) {
    const auto whole = at::zeros({elements * all.size()}, type);
    all.all_gather(values(elements, all.rank(), type), whole);
    for (int rank = 0; rank < all.size(); ++rank) {
      EXPECT_TRUE(
          at::equal(whole.slice(0, rank * elements, (rank + 1) * elements), values(elements, rank, type)))
          << type << " x " << elements << " of rank " << rank;
    }
  });
}

TEST_P(Collectives, AllGatherTakesAPartOfItsResult) {
  for_all([](Communicator& all, int64_t elements, at::ScalarType type) {
    const auto whole = at::zeros({elements * all.size()}, type);
    const auto own = whole.slice(0, all.rank() * elements, (all.rank() + 1) * elements);
    own.copy_(values(elements, all.rank(), type));
    all.all_gather(own, whole);
    for (int rank = 0; rank < all.size(); ++rank) {
      EXPECT_TRUE(
          at::equal(whole.slice(0, rank * elements, (rank + 1) * elements), values(elements, rank, type)));
    }
  });
}

TEST_P(Collectives, BroadcastOfEveryRoot) {
  for_all([](Communicator& all, int64_t elements, at::ScalarType type) {
    for (int root = 0; root < all.size(); ++root) {
      const auto tensor = values(elements, all.rank(), type);
      all.broadcast(tensor, root);
      EXPECT_TRUE(at::equal(tensor, values(elements, root, type))) << type << " of " << root;
    }
  });
}

TEST_P(Collectives, SeveralAreUnderWayAtOnce) {
  for_all([](Communicator& all, int64_t elements, at::ScalarType type) {
    std::vector<at::Tensor> tensors;
    std::vector<Pending> pending;
    for (int i = 0; i < 6; ++i) {
      tensors.push_back(values(elements, all.rank(), type) * i);
      pending.push_back(all.all_reduce_sum_async(tensors.back()));
    }
    for (auto& each : pending) each.wait();
    for (auto& each : pending) each.wait();  // the second wait does nothing
    for (int i = 0; i < 6; ++i) {
      EXPECT_TRUE(at::equal(tensors[static_cast<size_t>(i)], sums(elements, all.size(), type) * i));
    }
  });
}

TEST_P(Collectives, TextsOfAnyLength) {
  in_ranks(GetParam(), [](int rank) {
    const auto all = join_ranks();
    for (const size_t length : {size_t{0}, size_t{1}, size_t{300'000}}) {
      // Texts of different lengths with all byte values; the last rank's is empty.
      std::string own(rank + 1 == all->size() ? 0 : length * static_cast<size_t>(rank + 1), '\0');
      for (size_t i = 0; i < own.size(); ++i) own[i] = static_cast<char>(i + static_cast<size_t>(rank));
      const auto texts = all->gather_text(own);
      ASSERT_EQ(texts.size(), static_cast<size_t>(all->size()));
      EXPECT_EQ(texts[static_cast<size_t>(rank)], own);
      EXPECT_EQ(texts.back(), "");
      EXPECT_EQ(texts.front().size(), length);
      if (length > 1) {
        EXPECT_EQ(texts.front()[200], static_cast<char>(200));
      }
    }
  });
}

TEST_P(Collectives, ABarrierHoldsUntilAllCame) {
  in_ranks(GetParam(), [](int rank) {
    const auto all = join_ranks();
    for (int round = 0; round < 3; ++round) {
      const auto mark = [&](int which) {
        return test::shared_folder() / ("came-" + std::to_string(round) + "-" + std::to_string(which));
      };
      if (rank == round % all->size()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
      std::filesystem::create_directory(mark(rank));
      all->barrier();
      for (int which = 0; which < all->size(); ++which) EXPECT_TRUE(std::filesystem::exists(mark(which)));
    }
  });
}

TEST(SingleProcess, SumsAreWhatTheyAre) {
  const auto alone = single_process();
  EXPECT_EQ(alone->rank(), 0);
  EXPECT_EQ(alone->size(), 1);
  const auto tensor = values(5, 3, at::kFloat), whole = at::zeros({5}), shard = at::zeros({5});
  alone->all_reduce_sum(tensor);
  alone->broadcast(tensor, 0);
  alone->barrier();
  EXPECT_TRUE(at::equal(tensor, values(5, 3, at::kFloat)));
  alone->reduce_scatter_sum(tensor, shard);
  EXPECT_TRUE(at::equal(shard, tensor));
  alone->all_gather(shard, whole);
  EXPECT_TRUE(at::equal(whole, tensor));
  alone->all_gather(whole, whole);
  EXPECT_TRUE(at::equal(whole, tensor));
  EXPECT_THAT(alone->gather_text("a\nb"), ElementsAre("a\nb"));
}

TEST(SingleProcess, IsWhatOneRankJoins) {
  EXPECT_EQ(join({.rank = 0, .size = 1}, at::kCPU, {.timeout = std::chrono::milliseconds(1)})->size(), 1);
}

}  // namespace
}  // namespace ccexpert::distributed

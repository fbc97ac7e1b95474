// Answers, errors and values on which ranks agree.
#include "train/agreement.h"

#include <functional>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include <ccexpert/core/error.h>

#include "support/errors.h"
#include "support/ranks.h"

namespace ccexpert::train {
namespace {

void fail_on(int which, int rank) {
  if (rank == which) throw Error("no disk");
}

TEST(Agreement, AnErrorOfOneRankIsAnErrorOnAll) {
  test::in_ranks(2, [](int rank) {
    const auto all = test::join_ranks();
    EXPECT_EQ(test::error_of([&] { on_all_ranks(*all, [&] { fail_on(1, rank); }); }), "rank 1: no disk");
    EXPECT_EQ(test::error_of([&] { on_all_ranks(*all, [] {}); }), "no error");
    EXPECT_EQ(problem_on_any(*all, [&] { fail_on(1, rank); }), "no disk");
    EXPECT_EQ(problem_on_any(*all, [] {}), "");
    EXPECT_EQ(test::error_of([&] {
                first_rank_says(*all, [&] {
                  fail_on(0, rank);
                  return std::string();
                });
              }),
              "no disk");
  });
}

TEST(Agreement, AnErrorKeepsItsKindOnAllRanks) {
  test::in_ranks(2, [](int rank) {
    const auto all = test::join_ranks();
    const auto kind_of = [](const std::function<void()>& work) {
      try {
        work();
      } catch (const Error& error) {
        return error.kind();
      }
      return ErrorKind::kInput;
    };
    EXPECT_EQ(kind_of([&] {
                on_all_ranks(*all, [&] {
                  if (rank == 1) throw Error("no memory", ErrorKind::kResource);
                });
              }),
              ErrorKind::kResource);
    EXPECT_EQ(kind_of([&] {
                first_rank_says(*all, [&]() -> std::string { throw Error("no file", ErrorKind::kMissing); });
              }),
              ErrorKind::kMissing);
    EXPECT_EQ(kind_of([&] { on_all_ranks(*all, [] { throw std::out_of_range("a fault"); }); }),
              ErrorKind::kInternal);
  });
}

TEST(Agreement, AllRanksGetTheSameAnswer) {
  test::in_ranks(2, [](int rank) {
    const auto all = test::join_ranks();
    EXPECT_EQ(first_rank_says(*all, [&] { return std::to_string(rank); }), "0");
    EXPECT_TRUE(on_any_rank(*all, rank == 1, at::kCPU));
    EXPECT_FALSE(on_any_rank(*all, false, at::kCPU));
    const auto values = gather_json(*all, {{"rank", rank}}, "rank of a rank");
    ASSERT_EQ(values.size(), 2U);
    EXPECT_EQ(values[1].at("rank"), 1);
  });
}

TEST(Agreement, TheLowestRankThatDiffersIsNamed) {
  test::in_ranks(3, [](int rank) {
    const auto all = test::join_ranks();
    EXPECT_EQ(difference_between_ranks(*all, {{"a", "1"}, {"b", "2"}}), std::nullopt);
    const auto found = difference_between_ranks(
        *all, {{"a", "1"}, {rank == 1 ? "c" : "b", "2"}, {"d", rank == 0 ? "3" : "4"}});
    ASSERT_TRUE(found);
    EXPECT_EQ(found->subject(found->key), "rank 1: b");
    EXPECT_EQ(found->first, "2");
    EXPECT_EQ(found->own, "nothing");
    EXPECT_EQ(found->others, 2U);
  });
}

}  // namespace
}  // namespace ccexpert::train

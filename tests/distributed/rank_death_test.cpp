// Ranks that die, hang or never join: the others soon report which one.
#include <csignal>
#include <thread>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "distributed/shared/communicator.h"
#include "support/errors.h"
#include "support/ranks.h"

namespace ccexpert::distributed {
namespace {

using std::chrono::milliseconds;
using test::in_ranks;
using test::join_ranks;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kTimeout(2500);
/// Far above a collective's timeout plus the heartbeat watch, even on a busy machine; far below the time that
/// waiting for a lost rank would take.
constexpr std::chrono::seconds kAtMost(60);

/// Returns the error of the first of many collectives that fails; it comes soon.
std::string failure_of_collectives(Communicator& all) {
  const auto start = Clock::now();
  const auto message = test::error_of([&] {
    for (int round = 0; round < 100; ++round) all.all_reduce_sum(at::ones({100'000}));
  });
  EXPECT_LT(Clock::now() - start, kAtMost);
  return message;
}

struct Loss {
  const char* name;
  int ranks;
  int lost;
  void (*happens)();
  const char* said;
};

void exits() {
  ::_exit(3);
}
void is_killed() {
  ::raise(SIGKILL);
}
void stands_still() {
  ::raise(SIGSTOP);
}
void waits_for_something_else() {
  std::this_thread::sleep_for(std::chrono::minutes(5));
}

class LostRank : public ::testing::TestWithParam<Loss> {};

constexpr const char* kNoLife = "shows no sign of life";
constexpr const char* kBehind = "lives, but is 1 collectives behind";

INSTANTIATE_TEST_SUITE_P(Ranks, LostRank,
                         ::testing::Values(Loss{"exits", 3, 1, exits, kNoLife},
                                           Loss{"killed", 3, 2, is_killed, kNoLife},
                                           Loss{"first_killed", 3, 0, is_killed, kNoLife},
                                           Loss{"one_of_two_killed", 2, 1, is_killed, kNoLife},
                                           Loss{"stands_still", 3, 1, stands_still, kNoLife},
                                           Loss{"first_stands_still", 2, 0, stands_still, kNoLife},
                                           Loss{"waits", 3, 2, waits_for_something_else, kBehind},
                                           Loss{"first_waits", 2, 0, waits_for_something_else, kBehind}),
                         [](const auto& loss) { return std::string(loss.param.name); });

TEST_P(LostRank, IsNamedByAllOthers) {
  const auto& loss = GetParam();
  in_ranks(loss.ranks,
           [&](int rank) {
             const auto all = join_ranks(kTimeout);
             all->barrier();
             if (rank == loss.lost) loss.happens();
             EXPECT_THAT(failure_of_collectives(*all),
                         HasSubstr("rank " + std::to_string(loss.lost) + " " + loss.said));
           },
           {.lost = {loss.lost}});
}

TEST(LostRankAmid, EveryCollectiveNamesIt) {
  in_ranks(3,
           [](int rank) {
             const auto all = join_ranks(kTimeout);
             all->barrier();
             if (rank == 1) is_killed();
             const auto gone = HasSubstr("rank 1 shows no sign of life");
             const auto own = "rank " + std::to_string(rank) + ": ";
             const auto whole = at::ones({3000}), shard = at::ones({1000});
             // After a peer has died, later collectives fail too.
             EXPECT_THAT(test::error_of([&] { all->reduce_scatter_sum(whole, shard); }),
                         AllOf(HasSubstr(own + "reduce_scatter failed"), gone));
             EXPECT_THAT(test::error_of([&] { all->all_gather(shard, whole); }),
                         AllOf(HasSubstr(own + "all_gather failed"), gone));
             EXPECT_THAT(test::error_of([&] { all->gather_text("x"); }), gone);
             EXPECT_THAT(test::error_of([&] { all->barrier(); }), gone);
           },
           {.lost = {1}});
}

TEST(Joining, NamesWhoDoesNotCome) {
  in_ranks(
      4,
      [](int) {
        const auto start = Clock::now();
        EXPECT_THAT(
            test::error_of([] { join_ranks(milliseconds(2000)); }),
            HasSubstr("start of the run: expected 4 ranks within 2000 ms, got no answer from rank 1, 3"));
        EXPECT_LT(Clock::now() - start, kAtMost);
      },
      {.absent = {1, 3}});
}

TEST(Joining, NamesThePlaceWhereTheFirstRankIsMissing) {
  in_ranks(2,
           [](int) {
             EXPECT_THAT(test::error_of([] { join_ranks(milliseconds(2000)); }),
                         AllOf(HasSubstr("127.0.0.1:"),
                               HasSubstr("expected rank 0 to listen there within 2000 ms, got no answer")));
           },
           {.absent = {0}});
}

TEST(Joining, SaysThatThePortIsTaken) {
  in_ranks(2, [](int rank) {
    const auto all = join_ranks(kTimeout);
    if (rank == 0) {
      EXPECT_THAT(
          test::error_of([] { join_ranks(kTimeout); }),
          AllOf(HasSubstr("rank 0 cannot listen there: "), HasSubstr("is another run using the port?")));
    }
    all->barrier();
  });
}

TEST(Leaving, ForAnErrorOfItsOwnWaitsForNobody) {
  in_ranks(2, [](int rank) {
    const auto start = Clock::now();
    const auto message = test::error_of([rank] {
      const auto all = join_ranks(std::chrono::minutes(5));
      all->barrier();
      if (rank == 1) fail("data", "cannot be read");
      all->all_reduce_sum(at::ones({100'000}));
    });
    EXPECT_THAT(message, HasSubstr(rank == 1 ? "data: cannot be read" : "rank 1 shows no sign of life"));
    EXPECT_LT(Clock::now() - start, kAtMost);
  });
}

TEST(Leaving, WaitsForNobodyWhereARankIsGone) {
  in_ranks(2,
           [](int rank) {
             auto all = join_ranks(kTimeout);
             all->barrier();
             if (rank == 1) is_killed();
             const auto start = Clock::now();
             all.reset();
             EXPECT_LT(Clock::now() - start, kAtMost);
           },
           {.lost = {1}});
}

}  // namespace
}  // namespace ccexpert::distributed

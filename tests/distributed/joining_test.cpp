// Addresses at which ranks meet: wrong addresses, and reachability of the ports from outside.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "distributed/address.h"
#include "distributed/shared/communicator.h"
#include "support/errors.h"
#include "support/ranks.h"

namespace ccexpert::distributed {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using test::in_ranks;
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::minutes kLong(5);
constexpr std::chrono::seconds kSoon(60);

/// Returns the error of a lone rank of two; it comes soon.
std::string refusal(const Rank& rank, const JoinOptions& options) {
  const auto start = Clock::now();
  const auto message = test::error_of([&] { join(rank, at::kCPU, options); });
  EXPECT_LT(Clock::now() - start, kSoon);
  return message;
}

Rank of_two(int rank) {
  return {.rank = rank, .size = 2, .master_port = test::free_port()};
}

TEST(Joining, ANameThatDoesNotExistIsSaidAtOnce) {
  for (const int rank : {0, 1}) {
    auto lost = of_two(rank);
    lost.master_address = "no such host";
    EXPECT_THAT(
        refusal(lost, {.timeout = kLong}),
        StartsWith("MASTER_ADDR: expected a name or an address of rank 0's machine, got 'no such host' ("));
  }
}

TEST(Joining, AProgramThatDoesNotAnswerIsLeftInTime) {
  auto rank = of_two(1);
  const auto silent = listen_at("127.0.0.1", rank.master_port);
  EXPECT_THAT(
      refusal(rank, {.timeout = milliseconds(1500)}),
      HasSubstr("expected rank 0 to listen there within 1500 ms, got a program that does not answer as "
                "rank 0 does"));
  ::close(*silent.socket);
}

TEST(Joining, AStopEndsTheWait) {
  for (const int rank : {0, 1}) {
    std::stop_source stop;
    std::thread later([&] {
      std::this_thread::sleep_for(milliseconds(500));
      stop.request_stop();
    });
    EXPECT_THAT(
        refusal(of_two(rank), {.timeout = kLong, .stop = stop.get_token()}),
        StartsWith(rank == 0 ? "start of the run: rank 0 was told to stop while it waited for rank 1 (1 "
                               "of 2 ranks have joined)"
                             : "start of the run: rank 1 was told to stop while it waited for rank 0 at "
                               "127.0.0.1:"));
    later.join();
  }
}

TEST(Joining, SaysWhereItWaits) {
  ::testing::internal::CaptureStderr();
  refusal(of_two(1), {.timeout = milliseconds(3000)});
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("start of the run: rank 1 waits for rank 0 at 127.0.0.1:"),
                    HasSubstr("(at most 3 s)")));
}

TEST(Joining, RanksOfAnotherRunAreNotItsOwn) {
  in_ranks(2, [](int) {
    auto rank = rank_from_environment();
    rank.run = rank.rank == 0 ? "a run" : "another run";
    EXPECT_THAT(refusal(rank, {.timeout = milliseconds(2000)}),
                AnyOf(HasSubstr("got no answer from rank 1"), HasSubstr("got no answer from rank 0"),
                      HasSubstr("got an exit of rank 0")));
  });
}

/// Returns the addresses at which this process listens, in the form of /proc.
std::vector<std::string> own_listeners() {
  std::set<std::string> inodes;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    std::error_code code;
    const auto target = fs::read_symlink(entry.path(), code).string();
    if (target.starts_with("socket:[")) inodes.insert(target.substr(8, target.size() - 9));
  }
  std::vector<std::string> addresses;
  for (const char* table : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
    std::ifstream file(table);
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      const std::vector<std::string> columns{std::istream_iterator<std::string>(words), {}};
      constexpr size_t kLocal = 1, kState = 3, kInode = 9;
      if (columns.size() > kInode && columns[kState] == "0A" && inodes.contains(columns[kInode]))
        addresses.push_back(columns[kLocal]);
    }
  }
  return addresses;
}

TEST(Joining, OnOneMachineNothingListensToOthers) {
  in_ranks(2, [](int rank) {
    const auto all = test::join_ranks();
    const auto listeners = own_listeners();
    EXPECT_GE(std::ssize(listeners), rank == 0 ? 2 : 1);  // the store's, and Gloo's
    EXPECT_THAT(listeners, Each(StartsWith("0100007F:")));
    all->barrier();
  });
}

TEST(Address, NumbersAreWhatTheyAre) {
  EXPECT_EQ(numeric_address("127.0.0.1"), "127.0.0.1");
  EXPECT_EQ(numeric_address("::1"), "::1");
  EXPECT_TRUE(is_loopback(numeric_address("localhost")));
  EXPECT_FALSE(is_loopback("10.0.0.1"));
  EXPECT_EQ(own_address_towards("127.0.0.1"), "127.0.0.1");
}

TEST(Address, APortThatIsTakenIsSaid) {
  const int port = test::free_port();
  const auto first = listen_at("127.0.0.1", port);
  EXPECT_TRUE(accepts("127.0.0.1", port));
  EXPECT_THAT(test::error_of([&] { listen_at("127.0.0.1", port); }),
              AllOf(StartsWith("127.0.0.1:"), HasSubstr("rank 0 cannot listen there: "),
                    HasSubstr("is another run using the port?")));
  ::close(*first.socket);
  EXPECT_FALSE(accepts("127.0.0.1", port));
}

TEST(Address, OfAnotherMachineOpensThisOnesWithAWarning) {
  ::testing::internal::CaptureStderr();
  const auto listener = listen_at("192.0.2.1", test::free_port());  // an address reserved for examples
  EXPECT_THAT(
      ::testing::internal::GetCapturedStderr(),
      HasSubstr("192.0.2.1 is not an address of this machine: rank 0 listens on all of its addresses"));
  EXPECT_EQ(listener.address, "127.0.0.1");
  ::close(*listener.socket);
}

}  // namespace
}  // namespace ccexpert::distributed

// Exceptions on a thread of Gloo.
#include "distributed/terminate.h"

#include <csignal>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

namespace gloo {
/// A substitute for Gloo's exception, whose header is not shipped.
struct EnforceNotMet : std::runtime_error {
  using std::runtime_error::runtime_error;
};
}  // namespace gloo

/// A problem of the program's data, whose name only looks like one of communication.
struct DistanceError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

namespace ccexpert::distributed {
namespace {

template <class Problem>
void throw_on_a_thread() {
  const TerminateGuard guard(3);
  std::thread([] { throw Problem("[enforce fail at pair.cc:446] length <= nbytes"); }).join();
}

TEST(TerminateGuardDeathTest, OfGlooEndsTheProcessWithASentence) {
  EXPECT_EXIT(throw_on_a_thread<gloo::EnforceNotMet>(), ::testing::ExitedWithCode(1),
              "rank 3: the messages of another rank do not match its own");
}

TEST(TerminateGuardDeathTest, OfOthersIsLeftToTheHandlerBefore) {
  EXPECT_EXIT(throw_on_a_thread<std::logic_error>(), ::testing::KilledBySignal(SIGABRT), "terminate called");
  EXPECT_EXIT(throw_on_a_thread<DistanceError>(), ::testing::KilledBySignal(SIGABRT), "terminate called");
}

}  // namespace
}  // namespace ccexpert::distributed

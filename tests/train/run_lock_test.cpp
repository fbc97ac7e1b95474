// Lock that allows one training per folder.
#include "train/run_lock.h"

#include <csignal>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::train {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string refusal(const std::filesystem::path& folder) {
  return test::error_of([&] { const RunLock lock(folder); });
}

TEST(RunLock, HoldsUntilItsEnd) {
  const test::TemporaryFolder folder;
  std::optional<RunLock> lock(folder.path());
  EXPECT_THAT(refusal(folder.path()),
              AllOf(StartsWith(folder.path().string() + ": another training writes here (process " +
                               std::to_string(::getpid()) + " on "),
                    HasSubstr(" since 2"), EndsWith(" UTC) (wait for its end, or use another output)")));
  lock.reset();
  EXPECT_EQ(refusal(folder.path()), "no error");
}

TEST(RunLock, EndsWithItsProcessHoweverThatEnds) {
  const test::TemporaryFolder folder;
  int ready[2] = {};
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const RunLock lock(folder.path());
    if (::write(ready[1], "x", 1) == 1) ::pause();
    ::_exit(1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_THAT(refusal(folder.path()), HasSubstr("(process " + std::to_string(child) + " on "));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(refusal(folder.path()), "no error");
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(RunLock, ALinkInItsPlaceIsRefused) {
  const test::TemporaryFolder folder;
  const auto victim = folder.write("victim", "text");
  std::filesystem::create_symlink(victim, folder / "lock");
  EXPECT_THAT(refusal(folder.path()), HasSubstr("lock: cannot be opened"));
}

}  // namespace
}  // namespace ccexpert::train

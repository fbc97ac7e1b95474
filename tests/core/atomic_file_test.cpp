#include "core/atomic_file.h"

#include <csignal>
#include <filesystem>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "support/errors.h"
#include "support/files.h"
#include "support/temporary_folder.h"

namespace ccexpert {
namespace {

namespace fs = std::filesystem;
using test::content;
using test::error_of;
using test::TemporaryFolder;
using ::testing::HasSubstr;

auto files_in(const TemporaryFolder& folder) {
  return std::distance(fs::directory_iterator(folder.path()), {});
}

TEST(AtomicFile, KeepsTheModeOfWhatItReplaces) {
  const TemporaryFolder folder;
  const auto path = folder.write("secret", "old");
  std::filesystem::permissions(path,
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  write_file(path, "new");
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(AtomicFile, AppearsWithItsCommit) {
  const TemporaryFolder folder;
  const auto path = folder.write("f", "old");
  {
    AtomicFile file(path);
    file.write("new ");
    file.write("bytes");
    EXPECT_EQ(content(path), "old");
    file.commit();
    EXPECT_EQ(content(path), "new bytes");
  }
  EXPECT_EQ(content(path), "new bytes");
  EXPECT_EQ(files_in(folder), 1);
}

TEST(AtomicFile, LeavesNothingWithoutACommit) {
  const TemporaryFolder folder;
  const auto path = folder.write("f", "old");
  { AtomicFile(path).write("new"); }
  { AtomicFile(folder / "g").write("new"); }
  EXPECT_EQ(content(path), "old");
  EXPECT_EQ(files_in(folder), 1);
}

TEST(AtomicFile, ReplacesWhereALinkLeads) {
  const TemporaryFolder folder;
  const auto path = folder.write("f", "old");
  fs::create_symlink("f", folder / "link");
  AtomicFile file(folder / "link");
  file.write("new");
  file.commit();
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(content(path), "new");
}

TEST(AtomicFile, RefusesWhatIsNoFile) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([&] { AtomicFile file(folder.path()); }),
            folder.path().string() + ": expected a regular file, got a folder");
  EXPECT_EQ(error_of([] { AtomicFile file("/dev/null"); }),
            "/dev/null: expected a regular file, got a device");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_EQ(error_of([] { AtomicFile file("/none/f"); }),
            "/none/f: cannot be written (No such file or directory)");
}

/// Returns the number of a process that has ended.
pid_t ended_process() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return child;
}

TEST(AtomicFile, IsMadeUnderANewNameThatNobodyForesees) {
  const TemporaryFolder folder;
  const AtomicFile first(folder / "f"), second(folder / "f");
  EXPECT_NE(first.temporary(), second.temporary());
  EXPECT_THAT(first.temporary().string(), HasSubstr(".tmp" + std::to_string(::getpid()) + "-"));
}

TEST(AtomicFile, NeverWritesThroughALinkBesideIt) {
  const TemporaryFolder folder;
  const auto victim = folder.write("victim", "untouched");
  fs::create_symlink("victim", folder / ("f.tmp" + std::to_string(::getpid())));
  write_file(folder / "f", "new");
  EXPECT_EQ(content(victim), "untouched");
  EXPECT_FALSE(fs::is_symlink(folder / "f"));
}

TEST(AtomicFile, RemovesWhatKilledProcessesLeftInItsFolder) {
  const TemporaryFolder folder;
  const auto dead = std::to_string(ended_process()), living = std::to_string(::getppid());
  folder.write("f.tmp" + dead + "-0123456789abcdef", "half");
  folder.write("g.tmp" + dead + "-0123456789abcdef", "half");
  folder.write("f.tmp" + living + "-0123456789abcdef", "another's");
  folder.write("f.tmp" + dead + "-xyz", "the user's");
  folder.write("f.tmp" + dead, "perhaps the user's");
  const int marked =
      ::open(folder.write("h.tmp" + dead + "-0123456789abcdef", "of another machine").c_str(), O_RDONLY);
  mark_in_use(marked);
  write_file(folder / "f", "new");
  EXPECT_EQ(files_in(folder), 5);
  EXPECT_FALSE(fs::exists(folder / ("g.tmp" + dead + "-0123456789abcdef")));
  remove_leftovers(folder / "f");
  EXPECT_EQ(files_in(folder), 4);
  ::close(marked);
}

/// Limits files of this process to `bytes`, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit limit{bytes, old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    ::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_{};
  sighandler_t old_handler_;
};

TEST(AtomicFile, AFullDiskIsAnErrorAndLeavesTheOldFile) {
  const TemporaryFolder folder;
  const auto path = folder.write("f", "old");
  {
    const FileSizeLimit limit(1000);
    EXPECT_THAT(error_of([&] { AtomicFile(path).write(std::string(2000, 'x')); }),
                HasSubstr("f: cannot be written (File too large)"));
  }
  EXPECT_EQ(content(path), "old");
  EXPECT_EQ(files_in(folder), 1);
}

}  // namespace
}  // namespace ccexpert

#include "core/mapped_file.h"

#include <algorithm>
#include <csignal>
#include <functional>
#include <numeric>
#include <optional>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ccexpert/core/error.h>

#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert {
namespace {

using test::error_of;
using test::TemporaryFolder;
using ::testing::HasSubstr;

int sum_of(const MappedFile& file) {
  return std::accumulate(file.data(), file.data() + file.size(), 0,
                         [](int sum, std::byte byte) { return sum + std::to_integer<int>(byte); });
}

TEST(MappedFile, HoldsTheBytesOfAFile) {
  const TemporaryFolder folder;
  const auto file = MappedFile::open(folder.write("f", std::string(10'000, '\1')));
  EXPECT_EQ(sum_of(*file), 10'000);
  file->expect_whole();
  const auto empty = MappedFile::open(folder.write("e", ""));
  EXPECT_EQ(empty->size(), 0U);
  empty->expect_whole();
}

TEST(MappedFile, ThatBecomesShorterIsAnError) {
  const TemporaryFolder folder;
  const auto whole = MappedFile::open(folder.write("g", std::string(100'000, '\1')));
  for (int again = 0; again < 2; ++again) {
    const auto path = folder.write("f", std::string(100'000, '\1'));
    const auto file = MappedFile::open(path);
    ASSERT_EQ(::truncate(path.c_str(), 8192), 0);
    EXPECT_EQ(sum_of(*file), 8192);
    EXPECT_THAT(error_of([&] { file->expect_whole(); }),
                HasSubstr("f: became shorter, or could not be read, while it was in use"));
  }
  EXPECT_EQ(sum_of(*whole), 100'000);
  whole->expect_whole();
}

constexpr size_t kMapped = 8192;

/// A mapping of a file that has become empty, of this process alone; `prepare` sees it whole.
const volatile char* lost_pages(const TemporaryFolder& folder,
                                const std::function<void(const void*)>& prepare) {
  const auto path = folder.write("h", std::string(kMapped, '\1'));
  const int descriptor = ::open(path.c_str(), O_RDONLY);
  const void* data = ::mmap(nullptr, kMapped, PROT_READ, MAP_PRIVATE, descriptor, 0);
  prepare(data);
  static_cast<void>(::truncate(path.c_str(), 0));
  return static_cast<const volatile char*>(data);
}

/// True if a process survives reading such pages.
bool survives_lost_pages(const std::function<void(const void*)>& prepare) {
  const TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    static_cast<void>(lost_pages(folder, prepare)[4096]);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return status == 0;
}

TEST(MappedFile, LeavesOtherSignalsToTheProgram) {
  const TemporaryFolder folder;
  const auto file = MappedFile::open(folder.write("f", "x"));
  EXPECT_FALSE(survives_lost_pages([](const void*) {}));
}

TEST(MappedGuard, HoldsAsLongAsItLives) {
  std::optional<MappedGuard> guard;
  EXPECT_TRUE(survives_lost_pages([&](const void* data) { guard.emplace(data, kMapped); }));
  // Other memory may stand at the same place afterwards.
  EXPECT_FALSE(survives_lost_pages([](const void* data) { const MappedGuard gone(data, kMapped); }));
}

}  // namespace
}  // namespace ccexpert

#include "core/files.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <ccexpert/core/error.h>

#include "support/errors.h"
#include "support/files.h"
#include "support/temporary_folder.h"

namespace ccexpert {
namespace {

using test::error_of;
using test::TemporaryFolder;

const std::string kBytes("a\0\r\n\xff", 5);

TEST(Files, KeepEveryByte) {
  const TemporaryFolder folder;
  write_file(folder / "f", kBytes);
  EXPECT_EQ(test::content(folder / "f"), kBytes);
  EXPECT_EQ(read_file(folder / "f"), kBytes);
  write_file(folder / "f", "");
  EXPECT_EQ(read_file(folder / "f"), "");
}

TEST(Files, AreReadUpToALimit) {
  const TemporaryFolder folder;
  const auto path = folder.write("f", kBytes);
  EXPECT_EQ(read_file(path, 5), kBytes);
  EXPECT_EQ(error_of([&] { read_file(path, 4); }), path.string() + ": expected at most 4 bytes, got 5 bytes");
}

TEST(Files, ThatCannotBeReadAreNamed) {
  const TemporaryFolder folder;
  EXPECT_EQ(error_of([] { read_file("/none/f"); }), "/none/f: cannot be opened (No such file or directory)");
  EXPECT_EQ(error_of([] { read_file("/dev/zero"); }), "/dev/zero: expected a regular file, got a device");
  EXPECT_EQ(error_of([&] { read_file(folder.path()); }),
            folder.path().string() + ": expected a regular file, got a folder");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  for (const auto& look : {std::function([](const std::filesystem::path& path) { read_file(path); }),
                           std::function([](const std::filesystem::path& path) { write_file(path, ""); })})
    EXPECT_EQ(error_of([&] { look(folder / "pipe"); }),
              (folder / "pipe").string() + ": expected a regular file, got a pipe");
}

TEST(Files, ThatCannotBeLookedAtAreNotTakenForAbsent) {
  const TemporaryFolder folder;
  const auto path = folder.write("f", kBytes);
  EXPECT_TRUE(is_there(path) && is_file(path) && !is_folder(path));
  EXPECT_TRUE(is_there(folder.path()) && is_folder(folder.path()) && !is_file(folder.path()));
  EXPECT_FALSE(is_there(folder / "none") || is_file(folder / "none") || is_folder(path / "below"));
  // A link to itself is an error for every user, root included.
  std::filesystem::create_symlink("loop", folder / "loop");
  const std::string reason = "(Too many levels of symbolic links)";
  EXPECT_EQ(error_of([&] { is_there(folder / "loop"); }),
            (folder / "loop").string() + ": cannot be accessed " + reason);
  EXPECT_EQ(error_of([&] { read_file(folder / "loop"); }),
            (folder / "loop").string() + ": cannot be opened " + reason);
  EXPECT_EQ(error_of([&] { make_folder(folder / "loop"); }),
            (folder / "loop").string() + ": cannot be accessed " + reason);
}

TEST(Files, AFolderThatCannotBeCreatedIsNamedWithTheReason) {
  EXPECT_EQ(error_of([] { make_folder("/proc/none"); }),
            "/proc/none: cannot be created (No such file or directory)");
  const TemporaryFolder folder;
  make_folder(folder / "a/b");
  make_folder(folder / "a/b");
  EXPECT_TRUE(is_folder(folder / "a/b"));
  const auto file = folder.write("f", "");
  EXPECT_EQ(error_of([&] { make_folder(file); }), file.string() + ": expected a folder, got a file");
}

TEST(Files, CanBeTriedBeforeTheyAreWritten) {
  const TemporaryFolder folder;
  const auto path = folder.write("f", "old");
  expect_writable(path);
  expect_writable(folder / "new");
  EXPECT_EQ(test::content(path), "old");
  EXPECT_FALSE(std::filesystem::exists(folder / "new"));
  EXPECT_EQ(error_of([] { expect_writable("/none/f"); }),
            "/none/f: cannot be written (No such file or directory)");
}

}  // namespace
}  // namespace ccexpert

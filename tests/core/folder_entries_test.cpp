#include "core/folder_entries.h"

#include <gmock/gmock.h>

#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert {
namespace {

using test::error_of;
using test::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(FolderEntries, AreSortedAndBounded) {
  const TemporaryFolder folder;
  EXPECT_THAT(folder_entries(folder.path()), IsEmpty());
  for (const char* name : {"c", "a", "b/below"}) folder.write(name, "");
  EXPECT_THAT(folder_entries(folder.path()), ElementsAre(folder / "a", folder / "b", folder / "c"));
  EXPECT_THAT(folder_entries(folder.path(), 2), SizeIs(2));
}

TEST(FolderEntries, OfAFolderThatCannotBeReadAreAnError) {
  const TemporaryFolder folder;
  std::filesystem::create_symlink("loop", folder / "loop");
  EXPECT_EQ(error_of([&] { folder_entries(folder / "loop"); }),
            (folder / "loop").string() + ": folder cannot be read (Too many levels of symbolic links)");
  EXPECT_EQ(error_of([&] { folder_entries(folder / "none"); }),
            (folder / "none").string() + ": folder cannot be read (No such file or directory)");
}

TEST(FolderEntries, AFreeFolderHasNone) {
  const TemporaryFolder folder;
  expect_free_folder(folder / "none");
  expect_free_folder(folder.path());
  folder.write("file", "");
  EXPECT_EQ(
      error_of([&] { expect_free_folder(folder.path()); }),
      folder.path().string() + ": expected a folder that is empty or does not exist yet, got one with files");
  EXPECT_THAT(error_of([&] { expect_free_folder(folder / "file"); }), ::testing::EndsWith("got a file"));
}

}  // namespace
}  // namespace ccexpert

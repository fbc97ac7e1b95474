// Checkpoints that pruning keeps, links, and replaced checkpoints.
#include "train/run_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RunFolderTest : public ::testing::Test {
 protected:
  RunFolderTest() { run_.create(); }
  void add(std::initializer_list<int64_t> steps) {
    for (const int64_t step : steps) {
      fs::create_directory(run_.checkpoint(step));
      temporary_.write(fs::relative(run_.checkpoint(step), temporary_.path()).string() + "/file", "x");
    }
  }

  test::TemporaryFolder temporary_;
  RunFolder run_{temporary_ / "run"};
};

TEST_F(RunFolderTest, NamesSortAsSteps) {
  EXPECT_EQ(run_.checkpoint(7), temporary_ / "run/checkpoints/step-00000007");
  EXPECT_THAT(run_.steps(), IsEmpty());
  add({100, 20, 3});
  temporary_.write("run/checkpoints/step-x", "");
  temporary_.write("run/checkpoints/step-5.unfinished", "");
  EXPECT_THAT(run_.steps(), ElementsAre(3, 20, 100));
  EXPECT_THAT(RunFolder(temporary_ / "none").steps(), IsEmpty());
}

TEST_F(RunFolderTest, TheBestIsALinkThatMoves) {
  EXPECT_EQ(run_.best_step(), std::nullopt);
  add({4, 8});
  run_.set_best(4);
  EXPECT_EQ(run_.best_step(), 4);
  run_.set_best(8);
  EXPECT_EQ(run_.best_step(), 8);
  EXPECT_EQ(fs::canonical(run_.best()), fs::canonical(run_.checkpoint(8)));
  // The whole run folder may be moved.
  EXPECT_TRUE(fs::read_symlink(run_.best()).is_relative());
  fs::rename(temporary_ / "run", temporary_ / "moved");
  EXPECT_TRUE(fs::exists(temporary_ / "moved/best/file"));
}

TEST_F(RunFolderTest, TheLastIsALinkOfItsOwn) {
  add({4, 8});
  run_.set_best(4);
  run_.set_last(8);
  EXPECT_EQ(fs::canonical(run_.last()), fs::canonical(run_.checkpoint(8)));
  EXPECT_EQ(run_.best_step(), 4);
  EXPECT_TRUE(fs::read_symlink(run_.last()).is_relative());
}

TEST_F(RunFolderTest, PruningKeepsTheLastAndTheBest) {
  add({1, 2, 3, 4, 5});
  run_.set_best(2);
  run_.prune(2, 5);
  EXPECT_THAT(run_.steps(), ElementsAre(2, 4, 5));
  run_.set_best(5);
  run_.prune(1, 5);
  EXPECT_THAT(run_.steps(), ElementsAre(5));
  run_.prune(3, 5);
  EXPECT_THAT(run_.steps(), ElementsAre(5));
}

TEST_F(RunFolderTest, PruningCountsNothingBehindTheRun) {
  // Step 9 is broken, and the run resumed from 3.
  add({2, 3, 4, 9});
  run_.prune(1, 4);
  EXPECT_THAT(run_.steps(), ElementsAre(4, 9));
}

TEST_F(RunFolderTest, PruningRemovesWhatAKilledRunLeft) {
  add({1});
  fs::create_directories(temporary_ / "run/checkpoints/step-00000002.unfinished");
  temporary_.write("run/checkpoints/step-00000002.unfinished/model.safetensors", "x");
  run_.prune(1, 1);
  EXPECT_THAT(run_.steps(), ElementsAre(1));
  EXPECT_FALSE(fs::exists(temporary_ / "run/checkpoints/step-00000002.unfinished"));
}

TEST_F(RunFolderTest, PruningLeavesWhatTheRunDidNotMake) {
  add({1});
  for (const char* name : {"notes", "step-x", "step-x.unfinished", "old.replaced"})
    fs::create_directories(run_.root() / "checkpoints" / name);
  run_.prune(1, 1);
  EXPECT_EQ(std::distance(fs::directory_iterator(run_.root() / "checkpoints"), {}), 5);
}

TEST_F(RunFolderTest, LinksOfAKilledRunGo) {
  add({1});
  run_.set_best(1);
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(dead, nullptr, 0), dead);
  const auto named = [&](pid_t process, const char* rest) {
    return run_.root() / ("best.tmp" + std::to_string(process) + rest);
  };
  const auto left = named(dead, "-0123456789abcdef"), older = named(dead, ""), live = named(::getpid(), "");
  for (const auto& link : {left, older, live})
    fs::create_directory_symlink(fs::path("checkpoints") / run_.checkpoint(1).filename(), link);
  run_.prune(1, 1);
  EXPECT_FALSE(fs::is_symlink(left));
  EXPECT_FALSE(fs::is_symlink(older));
  EXPECT_TRUE(fs::is_symlink(live));
  EXPECT_TRUE(fs::exists(run_.checkpoint(1) / "file"));
  EXPECT_EQ(run_.best_step(), 1);
}

TEST_F(RunFolderTest, ANameThatSomebodyForesawDoesNotMatter) {
  add({1});
  const auto taken = run_.root() / ("best.tmp" + std::to_string(::getpid()));
  fs::create_directories(taken / "content");
  run_.set_best(1);
  EXPECT_EQ(run_.best_step(), 1);
  EXPECT_TRUE(fs::exists(taken / "content"));
}

TEST_F(RunFolderTest, AFreshCheckpointTakesThePlaceOfAnOlderOne) {
  add({3});
  const auto fresh = temporary_ / "run/checkpoints/step-00000003.unfinished";
  temporary_.write("run/checkpoints/step-00000003.unfinished/fresh", "x");
  replace_checkpoint(fresh, run_.checkpoint(3));
  EXPECT_TRUE(fs::exists(run_.checkpoint(3) / "fresh"));
  EXPECT_FALSE(fs::exists(run_.checkpoint(3) / "file"));
  EXPECT_EQ(std::distance(fs::directory_iterator(run_.root() / "checkpoints"), {}), 1);
  EXPECT_THAT(test::error_of([&] { replace_checkpoint(fresh, run_.checkpoint(4)); }),
              HasSubstr(fresh.string() + ": cannot be renamed to step-00000004"));
}

TEST_F(RunFolderTest, WhatAKillLeftAsideComesBack) {
  add({3, 5});
  const auto aside = [&](int64_t step) { return fs::path(run_.checkpoint(step)) += ".replaced"; };
  fs::rename(run_.checkpoint(3), aside(3));  // killed before the new one was in place
  fs::create_directory(aside(5));            // killed after that
  fs::create_directory(run_.root() / "checkpoints/other.replaced");
  run_.restore_replaced();
  EXPECT_THAT(run_.steps(), ElementsAre(3, 5));
  EXPECT_TRUE(fs::exists(run_.checkpoint(3) / "file"));
  EXPECT_TRUE(fs::exists(run_.checkpoint(5) / "file"));
  run_.prune(2, 5);
  EXPECT_FALSE(fs::exists(aside(5)));
}

TEST_F(RunFolderTest, WhatCannotBeLookedAtIsNotTakenForAbsent) {
  // A link to itself is refused for every user, root included.
  const auto checkpoints = run_.root() / "checkpoints";
  fs::remove(checkpoints);
  fs::create_symlink("checkpoints", checkpoints);
  const std::string reason = "(Too many levels of symbolic links)";
  EXPECT_EQ(test::error_of([&] { run_.steps(); }), checkpoints.string() + ": cannot be accessed " + reason);
  EXPECT_EQ(test::error_of([&] { run_.restore_replaced(); }),
            checkpoints.string() + ": folder cannot be read " + reason);
  EXPECT_EQ(test::error_of([&] { RunFolder(checkpoints).best_step(); }),
            (checkpoints / "best").string() + ": cannot be accessed " + reason);
}

TEST_F(RunFolderTest, WhatCannotBeMadeIsNamed) {
  const auto file = temporary_.write("file", "");
  EXPECT_THAT(test::error_of([&] { RunFolder(file / "run").create(); }),
              HasSubstr((file / "run/checkpoints").string() + ": cannot be created"));
  EXPECT_THAT(test::error_of([&] { RunFolder(temporary_ / "none").set_best(1); }),
              HasSubstr((temporary_ / "none/best").string() + ": cannot be set"));
}

}  // namespace
}  // namespace ccexpert::train

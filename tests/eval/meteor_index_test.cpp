// Tests of METEOR's index in use; meteor_test.cpp tests its building and reading.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/eval/meteor.h>

#include "eval/meteor_tables.h"
#include "support/errors.h"

namespace ccexpert::eval {
namespace {

namespace fs = std::filesystem;

TEST(MeteorIndexFile, ThatBecomesShorterIsAnError) {
  const test::MeteorTables tables;
  const auto metric = make_meteor(tables.open());
  metric->add({.uid = "a", .prediction = "the cars", .references = {"the automobile"}});
  for (const auto& file : fs::directory_iterator(tables.folder() / "cache/ccexpert"))
    fs::resize_file(file.path(), 0);
  EXPECT_THAT(
      test::error_of([&] {
        metric->add({.uid = "b", .prediction = "several houses", .references = {"a number of houses"}});
      }),
      ::testing::HasSubstr("became shorter, or could not be read, while it was in use"));
}

}  // namespace
}  // namespace ccexpert::eval

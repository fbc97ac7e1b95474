#include "eval/shared/unchanged.h"

#include <gtest/gtest.h>

namespace ccexpert::eval {
namespace {

TEST(Unchanged, KnownSentencesWhateverTheirSpacesCaseAndFullStop) {
  for (const char* caption : {"the scene is the same as before .", "The scene is the same  as before.",
                              "there is no difference", " no change has occurred . "}) {
    EXPECT_TRUE(says_unchanged(caption)) << caption;
  }
  for (const char* caption : {"", ".", "the scene", "there is no difference to the road ."})
    EXPECT_FALSE(says_unchanged(caption)) << caption;
}

}  // namespace
}  // namespace ccexpert::eval

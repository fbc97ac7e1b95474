#include "datasets/caption_text.h"

#include <gtest/gtest.h>

#include "datasets/sources/word_change.h"

namespace ccexpert::datasets {
namespace {

TEST(CaptionText, CleansToOneForm) {
  EXPECT_EQ(clean_caption(" there is no difference ."), "there is no difference.");
  EXPECT_EQ(clean_caption("a\troad ,  built\r\nhere  ! "), "a road, built here!");
  EXPECT_EQ(clean_caption("\xEF\xBB\xBF\xE2\x80\x9Cit\xE2\x80\x99s\xE2\x80\x9D \xE2\x80\x93 new\xC2\xA0"
                          "house.."),
            "\"it's\" - new house.");
  EXPECT_EQ(clean_caption("Gone..."), "Gone.");
  EXPECT_EQ(clean_caption("about .5 of it"), "about .5 of it");
  EXPECT_EQ(clean_caption("\xE4\xB8\x80"), "\xE4\xB8\x80");
  for (const auto* blank : {"", " ", " . ", "\n\t"}) EXPECT_EQ(clean_caption(blank), "");
}

TEST(CaptionText, CleaningTwiceChangesNothing) {
  for (const auto* text : {" a . b .", "x ..", "( y ) , z", "a ?!"}) {
    const auto once = clean_caption(text);
    EXPECT_EQ(clean_caption(once), once) << text;
  }
}

TEST(CaptionText, KnowsSentencesOfNoChange) {
  for (const auto* text :
       {"there is no difference .", "the two scenes seem identical .", "the scene is the same as before .",
        "almost nothing has changed .", "No change was made", "the scene remains the same"}) {
    EXPECT_TRUE(says_no_change(text)) << text;
  }
  for (const auto* text :
       {"a road is built", "the road is the same, but a house is built", "nothing but trees"}) {
    EXPECT_FALSE(says_no_change(text)) << text;
  }
}

TEST(WordChange, NamesTheWordsThatDiffer) {
  EXPECT_EQ(sentences_of_change("A red car.", "A blue car.")[2], "\"red\" becomes \"blue\".");
  EXPECT_EQ(sentences_of_change("a car", "a car at night")[2], "\"at night\" is new: now a car at night.");
  EXPECT_EQ(sentences_of_change("a big car", "a car")[2], "\"big\" is gone: now a car.");
  EXPECT_TRUE(sentences_of_change("a car.", " a car ").empty());
  EXPECT_TRUE(sentences_of_change("", "a car").empty());
}

}  // namespace
}  // namespace ccexpert::datasets

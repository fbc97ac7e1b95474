#include "core/universal_entry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace ccexpert {
namespace {

using test::error_of;
using ::testing::ElementsAre;

UniversalEntry entry_of(const char* text) {
  return read_universal_entry(nlohmann::json::parse(text), "l.json: entry 1");
}

TEST(UniversalEntryTest, HasEveryField) {
  const auto entry = entry_of(R"({"uid": 3, "img1_path": "a", "after": "b", "change_caption": "x",
      "change_flag": "1", "mask_path": "m", "classes1_path": "c", "classes2_path": "d"})");
  EXPECT_EQ(entry.where, "l.json: entry 1");
  EXPECT_EQ(uid_or_before(entry), "3");
  EXPECT_EQ(expect_before(entry), "a");
  EXPECT_EQ(expect_after(entry), "b");
  EXPECT_THAT(entry.captions, ElementsAre("x"));
  EXPECT_EQ(entry.changed, true);
  EXPECT_EQ(entry.mask, "m");
  EXPECT_EQ(entry.classes_before, "c");
  EXPECT_EQ(entry.classes_after, "d");
}

TEST(UniversalEntryTest, MayLackEveryField) {
  const auto entry = entry_of("{}");
  EXPECT_FALSE(entry.uid || entry.before || entry.after || entry.changed || entry.mask);
  EXPECT_TRUE(entry.captions.empty());
  const std::string before = "l.json: entry 1: expected a path 'before' (or 'img1_path'), got none";
  EXPECT_EQ(error_of([&] { expect_before(entry); }), before);
  EXPECT_EQ(error_of([&] { uid_or_before(entry); }), before);
  EXPECT_EQ(error_of([&] { expect_after(entry); }),
            "l.json: entry 1: expected a path 'after' (or 'img2_path'), got none");
  EXPECT_EQ(error_of([&] { expect_captions(entry); }),
            "l.json: entry 1: change_caption: expected a caption or a list of captions, got none");
}

TEST(UniversalEntryTest, APairToCaptionNeedsNoOtherValidFields) {
  const auto json = nlohmann::json::parse(R"({"before": "a", "after": "b", "change_caption": 7})");
  EXPECT_EQ(uid_or_before(read_pair_entry(json, "l")), "a");
  EXPECT_EQ(error_of([&] { read_universal_entry(json, "l"); }),
            "l: change_caption: expected a caption or a list of captions, none blank, got 7");
}

}  // namespace
}  // namespace ccexpert

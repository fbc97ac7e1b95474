#include "datasets/sources/change_map.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "datasets/sources/mask_captions.h"
#include "datasets/sources/palette.h"
#include "support/errors.h"

namespace ccexpert::datasets {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Box {
  Window window;
  uint8_t kind = 1;
};

ChangeMap map_with(int64_t height, int64_t width, const std::vector<Box>& boxes) {
  ChangeMap map{height, width, std::vector<uint8_t>(static_cast<size_t>(height * width))};
  for (const auto& [window, kind] : boxes) {
    for (int64_t y = window.top; y < window.top + window.height; ++y) {
      std::fill_n(map.kinds.begin() + y * width + window.left, window.width, kind);
    }
  }
  return map;
}

constexpr CropOptions kCrops{
    .target_share = 0.25, .whole_share = 0.2, .least_share = 1e-4, .least_side = 32, .most = 3};

TEST(ChangeMap, CountsWhatIsWhereByKind) {
  const auto map = map_with(90, 90, {{{5, 5, 10, 10}}, {{20, 8, 5, 5}}, {{70, 70, 18, 18}, 2}});
  const auto facts = facts_of(map, 1e-4);
  ASSERT_EQ(facts.size(), 2U);
  EXPECT_EQ(facts[0].kind, 2);
  EXPECT_EQ(facts[0].area, Area::kBottomRight);
  EXPECT_EQ(facts[1].count, 2);
  EXPECT_EQ(facts[1].area, Area::kTopLeft);
  EXPECT_NEAR(facts[1].share, 125.0 / 8100.0, 1e-9);
}

TEST(ChangeMap, WhatIsEverywhereIsSpread) {
  EXPECT_EQ(facts_of(map_with(90, 90, {{{0, 0, 9, 9}}, {{80, 80, 9, 9}}}), 0)[0].area, Area::kSpread);
  EXPECT_EQ(facts_of(map_with(90, 90, {{{5, 5, 80, 80}}}), 0)[0].area, Area::kAcross);
  EXPECT_EQ(facts_of(map_with(90, 90, {{{40, 40, 9, 9}}}), 0)[0].area, Area::kMiddle);
}

TEST(ChangeMap, APlaceHoldsMostRegionsAndNotOnlyTheLargest) {
  const std::vector<Box> one{{{0, 0, 25, 25}}}, far{{{80, 62, 3, 3}}, {{80, 70, 3, 3}}, {{80, 80, 3, 3}}};
  auto all = one;
  all.insert(all.end(), far.begin(), far.end());
  EXPECT_EQ(facts_of(map_with(90, 90, all), 0)[0].area, Area::kSpread);
  auto three = far;
  three.push_back({{5, 5, 1, 1}});
  EXPECT_EQ(facts_of(map_with(90, 90, three), 0)[0].area, Area::kBottomRight);
}

TEST(ChangeMap, NoiseIsNoFact) {
  EXPECT_TRUE(facts_of(map_with(100, 100, {{{5, 5, 3, 3}}}), 0.001).empty());
}

TEST(Windows, AreTheWholeImageForLargeChangesAndForNone) {
  const Window whole{0, 0, 256, 256};
  EXPECT_THAT(windows_of(map_with(256, 256, {}), kCrops), ElementsAre(whole));
  // 0.22 of the image would fill a quarter of 240 x 240, but is already significant.
  EXPECT_THAT(windows_of(map_with(256, 256, {{{0, 0, 120, 120}}}), kCrops), ElementsAre(whole));
  auto off = kCrops;
  off.enabled = false;
  EXPECT_THAT(windows_of(map_with(256, 256, {{{9, 9, 20, 20}}}), off), ElementsAre(whole));
}

TEST(Windows, AreFilledByTheirChangeAsFarAsAsked) {
  // 20 x 20 pixels are a quarter of 40 x 40.
  EXPECT_THAT(windows_of(map_with(256, 256, {{{100, 120, 20, 20}}}), kCrops),
              ElementsAre(Window{90, 110, 40, 40}));
  // At the edge they move into the image; small changes get the least side.
  EXPECT_THAT(windows_of(map_with(256, 256, {{{0, 252, 4, 4}}}), kCrops),
              ElementsAre(Window{0, 224, 32, 32}));
}

TEST(Windows, ComeOneForEachGroupOfChangesTheLargestFirst) {
  const auto map = map_with(480, 640, {{{20, 20, 20, 20}}, {{30, 45, 10, 10}}, {{400, 500, 40, 40}}});
  const auto windows = windows_of(map, kCrops);
  ASSERT_EQ(windows.size(), 2U);
  EXPECT_EQ(windows[0], (Window{380, 480, 80, 80}));
  EXPECT_LE(windows[1].top, 20);
  EXPECT_GE(windows[1].left + windows[1].width, 55);
  auto one = kCrops;
  one.most = 1;
  EXPECT_EQ(windows_of(map, one).size(), 1U);
}

TEST(Windows, CutMapsAndImagesAlike) {
  const auto map = cut(map_with(10, 10, {{{2, 3, 2, 2}, 7}}), {2, 2, 3, 4});
  EXPECT_EQ(map.kinds, (std::vector<uint8_t>{0, 7, 7, 0, 0, 7, 7, 0, 0, 0, 0, 0}));
  image::Image image{2, 2, {1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4}};
  EXPECT_EQ(cut(image, {1, 1, 1, 1}).pixels, (std::vector<uint8_t>{4, 4, 4}));
}

class MaskCaptions : public ::testing::Test {
 protected:
  static std::vector<std::string> captions(const std::vector<MaskFact>& facts, uint64_t key = 1) {
    return mask_captions(facts, kWords, {5, 42, key});
  }
  inline static const std::vector<KindWords> kWords{{"a house", "houses", {{"is new", "are new"}}},
                                                    {"a tree", "trees", {{"is gone", "are gone"}}}};
};

TEST_F(MaskCaptions, SayWhatHowManyWhereAndHowLarge) {
  const std::vector<MaskFact> facts{{1, 3, 0.11, Area::kTopLeft}, {2, 1, 0.01, Area::kRight}};
  const auto all = captions(facts);
  ASSERT_EQ(all.size(), 5U);
  for (const auto& caption : all) {
    EXPECT_THAT(caption, HasSubstr("houses are new"));
    EXPECT_THAT(caption, ::testing::AnyOf(HasSubstr("left"), HasSubstr("upper")));
    EXPECT_TRUE(caption.ends_with("."));
  }
  EXPECT_THAT(all, ::testing::Contains(HasSubstr("a tree is gone")));
  EXPECT_THAT(all, ::testing::Contains(HasSubstr("about a tenth of the scene")));
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 5U);
}

TEST_F(MaskCaptions, AreOfThePairAndTheSeedAlone) {
  const std::vector<MaskFact> facts{{1, 3, 0.11, Area::kTopLeft}};
  EXPECT_EQ(captions(facts, 5), captions(facts, 5));
  std::set<std::vector<std::string>> different;
  for (uint64_t key = 0; key < 8; ++key) different.insert(captions(facts, key));
  EXPECT_GT(different.size(), 4U);
}

TEST_F(MaskCaptions, OfNothingSayThatNothingChanged) {
  EXPECT_THAT(captions({}),
              ::testing::UnorderedElementsAre("there is no difference.", "the two scenes seem identical.",
                                              "the scene is the same as before.", "no change has occurred.",
                                              "almost nothing has changed."));
}

TEST_F(MaskCaptions, OneRegionIsNotInSeveralParts) {
  for (uint64_t key = 0; key < 20; ++key) {
    for (const auto& caption : captions({{1, 1, 0.5, Area::kAcross}}, key)) {
      EXPECT_THAT(caption,
                  ::testing::AnyOf(HasSubstr("across the scene"), HasSubstr("over much of the scene")));
    }
  }
}

TEST_F(MaskCaptions, FactsAsTexts) {
  EXPECT_THAT(fact_texts({{1, 3, 0.11, Area::kTopLeft}, {2, 1, 0.012, Area::kSpread}}, kWords),
              ElementsAre("3 houses are new, top left, 11.0 % of the image",
                          "1 tree is gone, spread, 1.2 % of the image"));
}

TEST(Palette, NamesAColourThatIsNone) {
  const image::Image image{1, 2, {0, 0, 0, 9, 8, 7}};
  EXPECT_EQ(test::error_of([&] {
              palette_numbers(image, {{0, 0, 0}});
            }),
            "pixel in row 0, column 1: expected a colour of the set's palette, got (9, 8, 7)");
  EXPECT_EQ(palette_numbers(image, {{9, 8, 7}, {0, 0, 0}}), (std::vector<uint8_t>{1, 0}));
}

}  // namespace
}  // namespace ccexpert::datasets

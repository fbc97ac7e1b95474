#include "data/patch_mask.h"

#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/drawn_pairs.h"

namespace ccexpert::data {
namespace {

using test::rectangle;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Eq;

std::vector<float> shares(const image::Image& mask, int64_t size, int64_t patch,
                          image::AspectMode aspect = image::AspectMode::kSquare) {
  return patch_shares(mask.view(), {.size = size, .aspect = aspect}, patch);
}

TEST(PatchMask, SharesOfADrawnRectangle) {
  // Rows 1 to 5 and columns 2 to 4 of 8 x 8, patches of 4 x 4.
  const auto mask = rectangle(8, 8, 1, 6, 2, 5);
  EXPECT_THAT(shares(mask, 8, 4), ElementsAre(6 / 16.0F, 3 / 16.0F, 4 / 16.0F, 2 / 16.0F));
}

TEST(PatchMask, NothingAndEverything) {
  EXPECT_THAT(shares(rectangle(9, 7, 0, 0, 0, 0), 10, 2), Each(Eq(0.0F)));
  const auto all = shares(rectangle(9, 7, 0, 9, 0, 7), 10, 2);
  ASSERT_EQ(all.size(), 25U);
  for (const float share : all) EXPECT_FLOAT_EQ(share, 1.0F);
}

TEST(PatchMask, EdgePixelsThatFillNoPatchBelongToNone) {
  // Two patches of 2 cover 4 of 5 pixels.
  EXPECT_THAT(shares(rectangle(5, 5, 4, 5, 0, 5), 5, 2), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(shares(rectangle(5, 5, 3, 5, 0, 1), 5, 2), ElementsAre(0, 0, 0.25F, 0));
}

TEST(PatchMask, AMaskOfAnotherSizeIsStretched) {
  // Half the size, twice the size and another shape: the right half of the lower half.
  for (const auto& mask :
       {rectangle(4, 4, 2, 4, 2, 4), rectangle(16, 16, 8, 16, 8, 16), rectangle(2, 12, 1, 2, 6, 12)}) {
    EXPECT_THAT(shares(mask, 8, 4), ElementsAre(0, 0, 0, 1)) << mask.height << " x " << mask.width;
  }
}

TEST(PatchMask, APixelBetweenTwoPatchesCountsByArea) {
  // Patches of 1.5 x 1.5 pixels: the middle pixel lies half in each, along both axes.
  EXPECT_THAT(shares(rectangle(3, 3, 1, 2, 1, 2), 4, 2), Each(testing::FloatEq(0.25F / 2.25F)));
}

/// Shares of patches of `patch` of `size` on a mask of `side`, counted on a grid that both divide.
std::vector<float> counted(const image::Image& mask, int64_t size, int64_t patch) {
  const int64_t side = mask.height, fine = std::lcm(side, size), cells = patch * fine / size;
  std::vector<float> result;
  for (int64_t row = 0; row < size / patch; ++row) {
    for (int64_t column = 0; column < size / patch; ++column) {
      int64_t sum = 0;
      for (int64_t at = 0; at < cells * cells; ++at) {
        const int64_t y = (row * cells + at / cells) / (fine / side);
        const int64_t x = (column * cells + at % cells) / (fine / side);
        sum += mask.pixels[static_cast<size_t>(3 * (y * side + x))] != 0;
      }
      result.push_back(static_cast<float>(sum) / static_cast<float>(cells * cells));
    }
  }
  return result;
}

TEST(PatchMask, EqualsACountOnAFinerGrid) {
  auto mask = test::noise(256, 256, 7);
  for (size_t i = 0; i < mask.pixels.size(); ++i) mask.pixels[i] = mask.pixels[i / 3 * 3] > 180 ? 255 : 0;
  const auto expected = counted(mask, 384, 14);
  ASSERT_EQ(expected.size(), 27U * 27U);
  EXPECT_THAT(shares(mask, 384, 14), testing::Pointwise(testing::FloatNear(1e-6F), expected));
}

TEST(PatchMask, AnyChannelAboveZeroIsAChange) {
  for (size_t channel = 0; channel < 3; ++channel) {
    image::Image mask{1, 1, {0, 0, 0}};
    mask.pixels[channel] = 1;
    EXPECT_THAT(shares(mask, 2, 2), ElementsAre(1)) << channel;
  }
}

TEST(PatchMask, PaddingIsUnchangedAndLiesWhereTheImagesIs) {
  const auto pad = image::AspectMode::kPad;
  // Three rows are padded: one above, as pad_to_square rounds, and two below.
  const auto wide = rectangle(1, 4, 0, 1, 0, 4);
  EXPECT_THAT(shares(wide, 4, 1, pad), ElementsAre(0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0));
  EXPECT_THAT(shares(wide, 4, 2, pad), ElementsAre(0.5F, 0.5F, 0, 0));
  EXPECT_THAT(shares(rectangle(4, 2, 0, 2, 0, 2), 4, 2, pad), ElementsAre(0.5F, 0.5F, 0, 0));
  EXPECT_THAT(shares(rectangle(4, 2, 0, 2, 0, 1), 8, 4, pad), ElementsAre(0.5F, 0, 0, 0));
  EXPECT_EQ(shares(rectangle(6, 6, 1, 4, 2, 3), 6, 2, pad), shares(rectangle(6, 6, 1, 4, 2, 3), 6, 2));
}

std::vector<float> class_shares(const image::Image& map, int64_t count,
                                image::AspectMode aspect = image::AspectMode::kSquare) {
  return patch_class_shares(map.view(), {.size = 8, .aspect = aspect}, 4, count);
}

TEST(PatchClasses, SharesOfEachClassInADrawnMap) {
  auto map = rectangle(8, 8, 1, 6, 2, 5, 2);
  std::fill_n(map.pixels.begin(), 3, uint8_t{1});  // the first pixel
  EXPECT_THAT(class_shares(map, 3), ElementsAre(9 / 16.0F, 1 / 16.0F, 6 / 16.0F, 13 / 16.0F, 0, 3 / 16.0F,
                                                12 / 16.0F, 0, 4 / 16.0F, 14 / 16.0F, 0, 2 / 16.0F));
}

TEST(PatchClasses, AMapOfAnotherSizeIsStretched) {
  EXPECT_THAT(class_shares(rectangle(2, 4, 1, 2, 2, 4, 1), 2), ElementsAre(1, 0, 1, 0, 1, 0, 0, 1));
}

TEST(PatchClasses, PaddingIsOfNoClass) {
  EXPECT_THAT(class_shares(rectangle(4, 8, 0, 4, 0, 4, 1), 2, image::AspectMode::kPad),
              ElementsAre(0, 0.5F, 0.5F, 0, 0, 0.5F, 0.5F, 0));
}

TEST(PatchMask, RowsMayLieApart) {
  // Bytes between the rows are white.
  std::vector<uint8_t> bytes(2 * 10, 255);
  std::fill_n(bytes.begin(), 6, uint8_t{0});
  std::fill_n(bytes.begin() + 10, 3, uint8_t{0});
  EXPECT_THAT(patch_shares({bytes.data(), 2, 2, 10}, {.size = 2}, 1), ElementsAre(0, 0, 0, 1));
}

}  // namespace
}  // namespace ccexpert::data

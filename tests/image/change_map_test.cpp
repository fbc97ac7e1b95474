#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/image/change_map.h>

#include "support/errors.h"

namespace ccexpert::image {
namespace {

using test::error_of;
using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::Pointwise;

TEST(ChangeMap, IsBilinearBetweenTheCentresOfPatches) {
  const ChangeMap map{.grid = 2, .values = {0.0F, 1.0F, 0.5F, 0.5F}};
  const auto pixels = at_pixels(map, 2, 8);
  EXPECT_EQ(pixels.height, 2);
  EXPECT_EQ(pixels.width, 8);
  // The centres of the patches are 2 and 6 pixels from the left; outside of them the values are theirs.
  EXPECT_THAT(std::vector(pixels.values.begin(), pixels.values.begin() + 8),
              Pointwise(FloatEq(), {0.0F, 0.0F, 0.125F, 0.375F, 0.625F, 0.875F, 1.0F, 1.0F}));
  EXPECT_THAT(std::vector(pixels.values.begin() + 8, pixels.values.end()),
              Pointwise(FloatEq(), std::vector<float>(8, 0.5F)));
}

TEST(ChangeMap, PatchesMayCoverAPartOfTheImage) {
  // Two patches over the first 4 of 8 pixels: their centres are at 1 and 3.
  const ChangeMap map{.grid = 2, .values = {0.0F, 1.0F, 0.0F, 1.0F}, .covered = 0.5};
  EXPECT_THAT(at_pixels(map, 1, 8).values,
              Pointwise(FloatEq(), {0.0F, 0.25F, 0.75F, 1.0F, 1.0F, 1.0F, 1.0F, 1.0F}));
}

TEST(ChangeMap, PatchesOfAPaddedSquareLieBesideTheImage) {
  // An image of 2 x 4 pixels on the centre of a square of 4 x 4: it is within the two middle rows.
  const ChangeMap map{.grid = 4, .values = {9, 9, 9, 9, 0, 0, 0, 0, 1, 1, 1, 1, 9, 9, 9, 9}, .padded = true};
  EXPECT_THAT(at_pixels(map, 2, 4).values,
              Pointwise(FloatEq(), {0.0F, 0.0F, 0.0F, 0.0F, 1.0F, 1.0F, 1.0F, 1.0F}));
}

TEST(ChangeMap, AnOverlayLeavesUnchangedPixelsAsTheyAre) {
  const Image image{1, 2, {10, 20, 30, 40, 50, 60}};
  const auto none = overlay(image.view(), {.grid = 1, .values = {0.0F}});
  EXPECT_EQ(none.pixels, image.pixels);
  const auto all = overlay(image.view(), {.grid = 1, .values = {1.0F}});
  // A quarter of the image and three quarters of the largest value's colour.
  EXPECT_THAT(all.pixels, ElementsAre(192, 185, 98, 199, 193, 105));
  const auto beyond = overlay(image.view(), {.grid = 1, .values = {7.0F}});
  EXPECT_EQ(beyond.pixels, all.pixels) << "values are cut at 1";
}

TEST(ChangeMap, RefusesAMapWithoutItsValuesAndImagesWithoutPixels) {
  EXPECT_EQ(error_of([] {
              at_pixels({.grid = 3, .values = {1, 2, 3}}, 4, 4);
            }),
            "change map: expected 3 x 3 values, got 3");
  EXPECT_EQ(error_of([] { at_pixels({.grid = 1, .values = {1}}, 0, 4); }),
            "change map: expected an image of 1 to 65536 px a side, got 4 x 0");
}

}  // namespace
}  // namespace ccexpert::image

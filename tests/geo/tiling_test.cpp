// Tiles of a scene, their overlap and their shards.
#include "geo/tiling.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"

namespace ccexpert::geo {
namespace {

using test::error_of;
using ::testing::Each;

Tiling tiling(int64_t width, int64_t height, const TileSize& size) {
  return {Grid{.width = width, .height = height}, size};
}

TEST(Tiling, ShiftsTheLastTilesInside) {
  const auto tiles = tiling(100, 64, {32, 32, 0, 0});
  EXPECT_EQ(tiles.columns(), 4);
  EXPECT_EQ(tiles.rows(), 2);
  EXPECT_EQ(tiles.window(1), (Window{32, 0, 32, 32}));
  EXPECT_EQ(tiles.window(3), (Window{68, 0, 32, 32}));
  EXPECT_EQ(tiles.window(7), (Window{68, 32, 32, 32}));
}

TEST(Tiling, MakesOneTileOfASmallScene) {
  const auto tiles = tiling(20, 300, {32, 32, 0, 0});
  EXPECT_EQ(tiles.columns(), 1);
  EXPECT_EQ(tiles.window(0), (Window{0, 0, 20, 32}));
}

TEST(Tiling, OverlapsByWhatIsAsked) {
  const auto tiles = tiling(80, 32, {32, 32, 8, 8});
  EXPECT_EQ(tiles.columns(), 3);
  EXPECT_EQ(tiles.window(1).x, 24);
  EXPECT_EQ(tiles.window(2).x, 48);
}

TEST(Tiling, OwnPartsCoverTheSceneOnce) {
  const auto tiles = tiling(101, 77, {32, 24, 7, 5});
  std::vector<int> seen(101 * 77, 0);
  for (int64_t tile = 0; tile < tiles.count(); ++tile) {
    const auto part = tiles.own_part(tile);
    const auto window = tiles.window(tile);
    EXPECT_GE(part.x, window.x);
    EXPECT_LE(part.x + part.width, window.x + window.width);
    for (int64_t y = part.y; y < part.y + part.height; ++y) {
      for (int64_t x = part.x; x < part.x + part.width; ++x) ++seen[static_cast<size_t>(y * 101 + x)];
    }
  }
  EXPECT_THAT(seen, Each(1));
}

TEST(TileSize, ConvertsMetresByThePixelsOfEachAxis) {
  const auto size = tile_size({128.0, true}, {16.0, true}, {0.5, 2.0});
  EXPECT_EQ(size.width, 256);
  EXPECT_EQ(size.height, 64);
  EXPECT_EQ(size.overlap_x, 32);
  EXPECT_EQ(size.overlap_y, 8);
}

TEST(TileSize, RefusesWhatCannotBeATile) {
  const Point metre{1.0, 1.0};
  EXPECT_EQ(error_of([&] {
              tile_size({4.0, true}, {}, metre);
            }),
            "--tile: expected a side of 8 to 65536 pixels, got 4 x 4 pixels");
  EXPECT_EQ(error_of([&] { tile_size({32.0}, {16.0}, metre); }),
            "--overlap: expected less than half of a tile, got 16 x 16 of 32 x 32 pixels");
}

TEST(Shards, TakeEachPlaceOnceAndAboutAsMany) {
  for (const int64_t places : {1, 7, 100, 1000}) {
    for (const int64_t count : {1, 3, 8}) {
      std::vector<int64_t> sizes(static_cast<size_t>(count), 0);
      for (int64_t place = 0; place < places; ++place) {
        for (int64_t index = 1; index <= count; ++index) {
          if (is_in_shard({index, count}, place, places)) ++sizes[static_cast<size_t>(index - 1)];
        }
      }
      EXPECT_EQ(std::accumulate(sizes.begin(), sizes.end(), int64_t{0}), places);
      EXPECT_LE(*std::ranges::max_element(sizes) - *std::ranges::min_element(sizes), 16);
    }
  }
}

}  // namespace
}  // namespace ccexpert::geo

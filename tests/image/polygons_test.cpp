#include <cmath>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/image/polygons.h>

#include "image/rings.h"
#include "support/errors.h"

namespace ccexpert::image {
namespace {

using test::error_of;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

/// Returns the mask that rows of text draw: "#" is inside.
CellMask drawn(const std::vector<std::string>& rows) {
  CellMask mask{std::ssize(rows), std::ssize(rows.front()), {}};
  for (const auto& row : rows) {
    for (const char c : row) mask.inside.push_back(c == '#' ? 1 : 0);
  }
  return mask;
}

/// Returns cells that are inside with some probability, and their number.
std::pair<CellMask, double> scattered(uint64_t seed, int64_t side, double share) {
  std::mt19937_64 random(seed);
  CellMask mask{side, side, {}};
  double count = 0.0;
  for (int64_t i = 0; i < side * side; ++i) {
    const bool inside = static_cast<double>(random() % 1000) < 1000.0 * share;
    mask.inside.push_back(inside ? 1 : 0);
    count += inside ? 1.0 : 0.0;
  }
  return {mask, count};
}

double total_area(const std::vector<Polygon>& polygons) {
  double sum = 0.0;
  for (const auto& polygon : polygons) sum += area(polygon);
  return sum;
}

TEST(Polygons, AnOutlineRunsAlongTheEdgesOfCells) {
  const auto polygons = polygons_of(drawn({"....", ".##.", ".##."}));
  ASSERT_THAT(polygons, SizeIs(1));
  EXPECT_THAT(polygons[0].outline, UnorderedElementsAre(Point{1, 1}, Point{3, 1}, Point{3, 3}, Point{1, 3}));
  EXPECT_THAT(polygons[0].holes, IsEmpty());
  EXPECT_EQ(area(polygons[0]), 4.0);
  EXPECT_GT(signed_area(polygons[0].outline), 0.0);
}

TEST(Polygons, HolesAndIslandsInThemBelongToTheirAreas) {
  const auto polygons =
      polygons_of(drawn({"#######", "#.....#", "#.###.#", "#.#.#.#", "#.###.#", "#.....#", "#######"}));
  ASSERT_THAT(polygons, SizeIs(2));
  EXPECT_EQ(area(polygons[0]), 24.0);
  EXPECT_EQ(area(polygons[1]), 8.0);
  for (const auto& polygon : polygons) {
    ASSERT_THAT(polygon.holes, SizeIs(1));
    EXPECT_LT(signed_area(polygon.holes[0]), 0.0) << "a hole runs the other way";
    EXPECT_TRUE(is_sound(polygon));
  }
}

TEST(Polygons, CellsThatTouchAtACornerAreTwoAreas) {
  const auto polygons = polygons_of(drawn({"#.", ".#"}));
  ASSERT_THAT(polygons, SizeIs(2));
  for (const auto& polygon : polygons) EXPECT_EQ(area(polygon), 1.0);
}

TEST(Polygons, AHoleMayTouchItsOutlineAtACorner) {
  const auto polygons = polygons_of(drawn({"###", "#.#", "##."}));
  ASSERT_THAT(polygons, SizeIs(1));
  ASSERT_THAT(polygons[0].holes, SizeIs(1));
  EXPECT_EQ(area(polygons[0]), 7.0);
  EXPECT_THAT(polygons[0].outline, SizeIs(6));
  EXPECT_TRUE(is_sound(polygons[0]));
}

TEST(Polygons, AnyMaskGivesSoundPolygonsOfItsArea) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const auto [mask, cells] = scattered(seed, 24, 0.2 + 0.02 * static_cast<double>(seed));
    const auto polygons = polygons_of(mask);
    EXPECT_EQ(total_area(polygons), cells) << seed;
    for (const auto& polygon : polygons) EXPECT_TRUE(is_sound(polygon)) << seed;
  }
}

TEST(Polygons, SimplifiedOnesStaySoundAlsoInNoise) {
  size_t points = 0, fewer = 0;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const auto polygons = polygons_of(scattered(seed, 24, 0.6).first);
    const auto simpler = simplified(polygons, 1.5);
    ASSERT_EQ(simpler.size(), polygons.size());
    for (size_t i = 0; i < simpler.size(); ++i) {
      EXPECT_TRUE(is_sound(simpler[i])) << seed;
      EXPECT_EQ(simpler[i].holes.size(), polygons[i].holes.size());
      points += polygons[i].outline.size();
      fewer += simpler[i].outline.size();
    }
  }
  EXPECT_LT(fewer, points);
}

TEST(Polygons, SimplifyingRemovesStepsWithinTheTolerance) {
  // A staircase along the diagonal becomes one line.
  std::vector<std::string> rows;
  for (size_t y = 0; y < 12; ++y) rows.push_back(std::string(y + 1, '#') + std::string(11 - y, '.'));
  const auto stairs = polygons_of(drawn(rows));
  EXPECT_GT(stairs[0].outline.size(), 20u);
  const auto line = simplified(stairs, 1.0);
  EXPECT_LE(line[0].outline.size(), 5u);
  EXPECT_NEAR(area(line[0]), area(stairs[0]), 12.0);
  EXPECT_EQ(simplified(stairs, 0.0), stairs);
}

TEST(Polygons, OfAMapStartAtTheThreshold) {
  ChangeMap map{.grid = 4, .values = std::vector<float>(16, 0.1F)};
  map.values[5] = 0.9F;  // second row, second column
  const auto polygons = change_polygons(map, 64, 64, {.threshold = 0.5, .tolerance = 0.5});
  ASSERT_THAT(polygons, SizeIs(1));
  const auto box = box_of(polygons[0].outline);
  EXPECT_NEAR((box.least.x + box.most.x) / 2.0, 24.0, 0.51) << "the patch's centre";
  EXPECT_NEAR((box.least.y + box.most.y) / 2.0, 24.0, 0.51);
  EXPECT_THAT(change_polygons(map, 64, 64, {.threshold = 0.95}), IsEmpty());
  EXPECT_THAT(change_polygons(map, 64, 64, {.smallest = 64.0 * 64.0}), IsEmpty());
}

TEST(Polygons, RefuseMasksWithoutCellsAndNegativeTolerances) {
  EXPECT_EQ(error_of([] { polygons_of({2, 3, {1}}); }), "mask: expected 3 x 2 cells, got 1");
  EXPECT_EQ(error_of([] { simplified(std::vector<Polygon>(), -1.0); }),
            "tolerance: expected pixels, at least 0, got -1");
}

}  // namespace
}  // namespace ccexpert::image

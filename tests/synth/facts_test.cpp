#include "synth/facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "synth/random.h"
#include "synth/stories.h"

namespace ccexpert::synth {
namespace {

/// Returns a scene with a road down the middle and houses along it at `sides`.
Scene street_of(const std::vector<int>& sides, Dates dates) {
  Scene scene;
  Road road;
  road.line = {{128, -20}, {128, 276}};
  road.width = {16, 16};
  scene.roads.push_back(road);
  for (size_t i = 0; i < sides.size(); ++i) {
    Building house;
    house.extent = {{128.0 + 40 * sides[i], 40.0 + 36 * static_cast<double>(i)}, {1, 0}, 26, 26};
    house.wings = {{house.extent, 8}};
    house.road = 0;
    house.side = sides[i];
    house.along = house.extent.centre.y;
    house.dates = dates;
    scene.buildings.push_back(house);
  }
  return scene;
}

TEST(Facts, KnowBothSidesOfARoad) {
  const auto facts = facts_of(street_of({1, 1, -1, -1}, kOnlyAfter));
  ASSERT_EQ(facts.size(), 1U);
  EXPECT_EQ(facts[0].count, 4);
  EXPECT_EQ(facts[0].roadside, Roadside::kAlong);
  EXPECT_TRUE(facts[0].both_sides);
  EXPECT_FALSE(facts[0].one_side);
  EXPECT_EQ(facts[0].rows, 0) << "two houses are no row";
}

TEST(Facts, KnowARowOfNeighbours) {
  const auto facts = facts_of(street_of({1, 1, 1}, kOnlyAfter));
  ASSERT_EQ(facts.size(), 1U);
  EXPECT_EQ(facts[0].rows, 1);
  EXPECT_TRUE(facts[0].one_side);
  EXPECT_FALSE(facts[0].both_sides);
  EXPECT_EQ(facts[0].region, Region::kTopRight);
}

TEST(Facts, KnowRowsOnTwoRoadsAndTheirSides) {
  auto scene = street_of({1, 1, 1, -1, -1, -1}, kOnlyAfter);
  const auto both = facts_of(scene);
  EXPECT_EQ(both[0].rows, 2);
  scene.roads.push_back({{{-20, 250}, {276, 250}}, {10, 10}});
  for (auto& building : scene.buildings) building.road = building.side < 0 ? 1 : 0;
  const auto several = facts_of(scene);
  EXPECT_EQ(several[0].roadside, Roadside::kAlongSeveral);
  EXPECT_FALSE(several[0].one_side || several[0].new_road);
  for (auto& road : scene.roads) road.dates = kOnlyAfter;
  EXPECT_TRUE(facts_of(scene)[0].new_road);
}

TEST(Facts, KnowTheSideOfARowDespiteALoneHouseAcross) {
  auto scene = street_of({1, 1, 1, 1, 1, 1, -1}, kOnlyAfter);
  scene.buildings.back().extent.centre.y = 128;
  scene.buildings.back().along = 128;
  const auto facts = facts_of(scene);
  EXPECT_EQ(facts[0].rows, 1);
  EXPECT_FALSE(facts[0].both_sides || facts[0].one_side);
}

/// Cuts the road of a street at `at`: its first part stays, the rest is new and has the houses there.
void cut_road(Scene& scene, double at) {
  auto& road = scene.roads[0];
  auto old = road;
  old.line.back().y = at;
  old.whole = 0;
  road.line.front().y = at;
  road.dates = kOnlyAfter;
  road.start = line_length(old.line);
  scene.roads.push_back(old);
  for (auto& house : scene.buildings) {
    house.road = house.extent.centre.y < at ? 1 : 0;
    house.along = house.extent.centre.y - scene.roads[static_cast<size_t>(house.road)].line.front().y;
  }
}

TEST(Facts, CountAPieceOfARoadWithTheRestOfIt) {
  auto scene = street_of({1, 1, 1, 1, 1, 1}, kOnlyAfter);
  cut_road(scene, 130);
  const auto facts = facts_of(scene);
  ASSERT_EQ(facts[0].thing, Thing::kHouse);
  EXPECT_EQ(facts[0].roadside, Roadside::kAlong);
  EXPECT_EQ(facts[0].roads, 1);
  EXPECT_EQ(facts[0].rows, 1);
  EXPECT_TRUE(facts[0].one_side);
  for (size_t i = 0; i < scene.buildings.size(); ++i) {
    if (i != 2) scene.buildings[i].dates = kBoth;
  }
  EXPECT_TRUE(facts_of(scene)[0].between);
}

TEST(Facts, KnowRoadsNearLoneHouses) {
  auto scene = street_of({1}, kOnlyAfter);
  scene.buildings[0].road = -1;
  EXPECT_EQ(facts_of(scene)[0].roadside, Roadside::kNear);
  scene.buildings[0].extent.centre.x += 60;
  EXPECT_EQ(facts_of(scene)[0].roadside, Roadside::kNone);
}

TEST(Facts, KnowHousesRebuiltInTheirPlace) {
  auto scene = street_of({1}, kOnlyAfter);
  EXPECT_FALSE(facts_of(scene)[0].rebuilt);
  scene.buildings.push_back(scene.buildings[0]);
  scene.buildings[1].dates = kOnlyBefore;
  EXPECT_TRUE(facts_of(scene)[0].rebuilt);
}

/// Returns a scene with new roads along `lines`.
Scene roads_of(const std::vector<Polyline>& lines) {
  Scene scene;
  for (const auto& line : lines) {
    Road road{line, {14, 14}};
    road.dates = kOnlyAfter;
    scene.roads.push_back(road);
  }
  return scene;
}

TEST(Facts, KnowTheFormOfRoads) {
  const Polyline across{{-20, 128}, {276, 128}};
  const auto form = [](const std::vector<Polyline>& lines) { return facts_of(roads_of(lines))[0].form; };
  EXPECT_EQ(form({across}), RoadForm::kStraight);
  EXPECT_EQ(form({{{-20, 60}, {128, 180}, {276, 60}}}), RoadForm::kWinding);
  EXPECT_EQ(form({across, {{128, 128}, {128, 280}}}), RoadForm::kTee);
  EXPECT_EQ(form({across, {{128, 128}, {128, 280}}, {{128, 128}, {128, -20}}}), RoadForm::kCrossing);
  EXPECT_EQ(form({across, {{60, 128}, {60, 280}}, {{180, 128}, {180, 280}}}), RoadForm::kAny)
      << "two streets that end on one side of a third do not cross it";
  EXPECT_EQ(form({across, {{-20, 40}, {276, 40}}}), RoadForm::kParallel);
  EXPECT_EQ(form({across, {{40, -20}, {40, 60}}}), RoadForm::kAny);
  EXPECT_EQ(form({{{128, 128}, {128, 280}}, {{168, 128}, {168, -20}}}), RoadForm::kAny)
      << "two streets that leave an old one to both of its sides are not beside each other";
}

TEST(Facts, KnowRoadsThatGoOnWhereOthersEnd) {
  auto scene = roads_of({{{128, 128}, {276, 128}}});
  EXPECT_FALSE(facts_of(scene)[0].extends);
  scene.roads.push_back({{{-20, 128}, {128, 128}}, {14, 14}});
  EXPECT_TRUE(facts_of(scene)[0].extends);
}

TEST(Facts, KnowAHouseBetweenItsNeighbours) {
  auto scene = street_of({1, 1, 1}, kBoth);
  scene.buildings[1].dates = kOnlyAfter;
  EXPECT_TRUE(facts_of(scene)[0].between);
  scene.buildings[0].dates = {};
  EXPECT_FALSE(facts_of(scene)[0].between);
}

TEST(Facts, KnowPathsAndWhatIsAtTheEdge) {
  Scene scene;
  scene.zones.push_back({{{0, 10}, {80, 10}, {80, 16}, {0, 16}}, Ground::kBare, kOnlyAfter, true});
  scene.zones.push_back({{{0, 110}, {80, 110}, {80, 116}, {0, 116}}, Ground::kBare, kOnlyAfter});
  const auto facts = facts_of(scene);
  ASSERT_EQ(facts.size(), 1U) << "ground without the mark is no path";
  EXPECT_EQ(facts[0].thing, Thing::kPath);
  EXPECT_EQ(facts[0].count, 1);
  EXPECT_TRUE(facts[0].at_edge);
  EXPECT_NEAR(facts[0].area, 480.0 / (256 * 256), 0.001);
}

TEST(Facts, KnowNoRoadOutsideTheFrame) {
  auto scene = street_of({1, 1, 1}, kOnlyAfter);
  scene.roads[0].dates = kOnlyAfter;
  scene.roads[0].line = {{-12, -20}, {-12, 276}};
  for (auto& house : scene.buildings) house.extent.centre.x = 20;
  const auto facts = facts_of(scene);
  ASSERT_EQ(facts.size(), 1U);
  EXPECT_EQ(facts[0].roadside, Roadside::kNone);
  EXPECT_EQ(facts[0].rows, 0);
  EXPECT_FALSE(facts[0].new_road || facts[0].one_side);
}

TEST(Facts, OmitRoadsThatTouchTheFrameAlone) {
  auto scene = roads_of({{{128, -20}, {128, 276}}, {{-8, 8}, {8, -8}}});
  EXPECT_EQ(facts_of(scene)[0].count, 1);
  scene.roads[1].line = {{-8, 100}, {100, -8}};
  EXPECT_EQ(facts_of(scene)[0].count, 2);
}

TEST(Facts, KnowTheFormerGroundUnlessAHouseWasThere) {
  auto scene = street_of({1}, kOnlyAfter);
  const auto lot = scene.buildings[0].extent.grown(10).outline();
  scene.zones.push_back({lot, Ground::kLawn, kOnlyBefore});
  EXPECT_EQ(facts_of(scene)[0].cover, Cover::kLawn);
  scene.buildings.push_back(scene.buildings[0]);
  scene.buildings[1].dates = kOnlyBefore;
  scene.buildings[1].extent.width *= 0.6;
  scene.buildings[1].extent.depth *= 0.6;
  EXPECT_EQ(facts_of(scene)[0].cover, Cover::kMixed);
}

TEST(Facts, KnowAPathOnlyIfTheGroundWasOther) {
  Scene scene;
  scene.zones.push_back({{{0, 10}, {80, 10}, {80, 16}, {0, 16}}, Ground::kBare, kOnlyAfter, true});
  EXPECT_EQ(facts_of(scene).size(), 1U);
  scene.ground = Ground::kDesert;
  EXPECT_THAT(facts_of(scene), ::testing::IsEmpty());
}

TEST(Facts, KnowAHouseAmongOthersIfTheyAreNear) {
  auto scene = street_of({1, 1, 1, 1}, kBoth);
  scene.buildings[1].dates = kOnlyAfter;
  EXPECT_TRUE(facts_of(scene)[0].among_houses);
  scene.buildings[1].extent.centre.x -= 150;
  EXPECT_FALSE(facts_of(scene)[0].among_houses);
}

TEST(Facts, KnowOnHowManyRoadsHousesAre) {
  auto scene = street_of({1, 1, -1, -1}, kOnlyAfter);
  EXPECT_EQ(facts_of(scene)[0].roads, 1);
  scene.roads.push_back({{{-20, 250}, {276, 250}}, {10, 10}});
  scene.buildings[0].road = 1;
  EXPECT_EQ(facts_of(scene)[0].roads, 2);
}

TEST(Facts, OfAFrozenSceneAreNone) {
  for (int i = 0; i < 50; ++i) {
    Random random(31, static_cast<uint64_t>(i));
    auto scene = compose_changed(random, 256);
    freeze(scene, i % 2);
    EXPECT_THAT(facts_of(scene), ::testing::IsEmpty()) << i;
  }
}

TEST(Facts, LeaveOutWhatIsNotInTheFrame) {
  auto scene = street_of({1}, kOnlyAfter);
  scene.buildings[0].extent.centre.x = 300;
  EXPECT_THAT(facts_of(scene), ::testing::IsEmpty());
}

TEST(Regions, NeedTheWholeChangeToBeThere) {
  EXPECT_EQ(region_of({{0.2, 0.2}, {0.1, 0.1}, {0.3, 0.3}}), Region::kTopLeft);
  EXPECT_EQ(region_of({{0.3, 0.2}, {0.1, 0.1}, {0.9, 0.3}}), Region::kTop);
  EXPECT_EQ(region_of({{0.5, 0.5}, {0.4, 0.4}, {0.6, 0.6}}), Region::kMiddle);
  EXPECT_EQ(region_of({{0.8, 0.8}, {0.7, 0.7}, {0.9, 0.9}}), Region::kBottomRight);
  EXPECT_EQ(region_of({{0.5, 0.5}, {0, 0}, {1, 1}}), Region::kNowhere);
}

}  // namespace
}  // namespace ccexpert::synth

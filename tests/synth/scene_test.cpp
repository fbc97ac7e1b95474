// Differences between two dates that are not changes.
#include "synth/scene.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "synth/classes.h"
#include "synth/facts.h"
#include "synth/layout.h"
#include "synth/look.h"
#include "synth/paint.h"
#include "synth/stories.h"
#include "synth/story_parts.h"

namespace ccexpert::synth {
namespace {

constexpr int kScenes = 200;

Scene scene_of(int index) {
  Random random(47, static_cast<uint64_t>(index));
  return compose_changed(random, 256);
}

TEST(Scene, HasNoShrubsWhereAnythingIsBuilt) {
  size_t shrubs = 0;
  for (int i = 0; i < kScenes; ++i) {
    const auto scene = scene_of(i);
    shrubs += scene.shrubs.size();
    for (const auto& shrub : scene.shrubs) {
      for (const auto& building : scene.buildings) EXPECT_FALSE(contains(building.extent, shrub.at)) << i;
      for (const auto& road : scene.roads) EXPECT_GT(distance(road.line, shrub.at), road.widest() / 2) << i;
    }
  }
  EXPECT_GT(shrubs, 500U);
}

TEST(Scene, ShrubsAndCarsAreInNoMapAndNoFact) {
  auto scene = scene_of(1);
  const auto before = object_map(scene, 0);
  const auto facts = facts_of(scene);
  ASSERT_FALSE(facts.empty());
  for (int x = 10; x < 250; x += 10)
    scene.shrubs.push_back({{static_cast<double>(x), 128}, 6, 1, kOnlyBefore});
  scene.cars.push_back({{{128, 128}, {1, 0}, 9, 4}, 1, kOnlyBefore});
  EXPECT_EQ(object_map(scene, 0), before);
  ASSERT_EQ(facts_of(scene).size(), facts.size());
  EXPECT_EQ(facts_of(scene).front().area, facts.front().area);
}

TEST(Scene, VillagesAndHomesteadsStandAtBothDatesOnFreeGround) {
  size_t houses = 0;
  for (uint64_t i = 0; i < 20; ++i) {
    Random random(3, i);
    Scene scene;
    scene.roads.push_back({{{-10, 128}, {266, 128}}, {12, 12}});
    add_village(random, scene);
    add_homestead(random, scene);
    houses += scene.buildings.size();
    for (size_t a = 0; a < scene.buildings.size(); ++a) {
      const auto& building = scene.buildings[a];
      EXPECT_EQ(building.dates, kBoth);
      EXPECT_GT(distance(scene.roads[0].line, building.extent.centre), 6);
      for (size_t b = 0; b < a; ++b) EXPECT_FALSE(overlap(building.extent, scene.buildings[b].extent)) << i;
    }
  }
  EXPECT_GT(houses, 200U);
}

TEST(Scene, HousesAlsoComeBesideLargeBuildingsThatStay) {
  int beside = 0;
  for (int i = 0; i < kScenes; ++i) {
    const auto scene = scene_of(i);
    const auto any = [&](bool large, Dates dates) {
      return std::any_of(scene.buildings.begin(), scene.buildings.end(), [&](const Building& building) {
        return building.large == large && building.dates == dates;
      });
    };
    beside += any(false, kOnlyAfter) && any(true, kBoth) ? 1 : 0;
  }
  EXPECT_GT(beside, kScenes / 10);
}

TEST(Scene, StreetsOfAPlanThatAreParallelAreApart) {
  constexpr double kMetres = 30;
  size_t three = 0;
  for (uint64_t i = 0; i < 300; ++i) {
    Random random(5, i);
    Scene scene;
    scene.world = World::kTexas;
    const auto roads = street_plan(random, scene, kBoth);
    three += roads.size() == 3 ? 1 : 0;
    for (const auto& one : roads) {
      const auto middle = [](const Road& road) { return station(road.line, line_length(road.line) / 2); };
      for (const auto& two : roads) {
        if (&one == &two || std::abs(dot(middle(one).along, middle(two).along)) < 0.96) continue;
        EXPECT_GT(distance(two.line, middle(one).at), kMetres * scene.metre) << i;
      }
    }
  }
  EXPECT_GT(three, 30U);
}

TEST(Scene, ARoadThatBecomesLongerIsOneRoadOfTwoPieces) {
  int longer = 0;
  for (uint64_t i = 0; i < 60; ++i) {
    Random random(6, i);
    Scene scene;
    neighbourhood_built(random, scene);
    if (scene.roads.size() < 2 || scene.roads[1].whole < 0) continue;
    EXPECT_EQ(scene.roads[1].whole, 0);
    EXPECT_EQ(scene.roads[1].start, 0);
    EXPECT_EQ(scene.roads[0].whole, -1);
    EXPECT_EQ(scene.roads[0].start, line_length(scene.roads[1].line));
    ++longer;
  }
  EXPECT_GT(longer, 2);
}

/// The shares are those that more than half of a pair's sentences name on photographs, within a third.
TEST(Stories, ChangeWhatChangesOnPhotographs) {
  int buildings = 0;
  int with_roads = 0;
  int with_roads_and_trees = 0;
  int one = 0;
  for (int i = 0; i < kScenes; ++i) {
    const auto facts = facts_of(scene_of(i));
    const auto has = [&](Thing thing, Happening happening) {
      return std::any_of(facts.begin(), facts.end(), [&](const Fact& fact) {
        return fact.thing == thing && fact.happening == happening && fact.area > 0.003;
      });
    };
    const bool roads = has(Thing::kRoad, Happening::kBuilt);
    const bool first = facts[0].thing == Thing::kHouse || facts[0].thing == Thing::kLarge;
    buildings += first ? 1 : 0;
    one += first && facts[0].count == 1 ? 1 : 0;
    with_roads += first && roads ? 1 : 0;
    with_roads_and_trees += first && roads && has(Thing::kTrees, Happening::kRemoved) ? 1 : 0;
  }
  EXPECT_NEAR(buildings, 0.9 * kScenes, 0.1 * kScenes);
  EXPECT_NEAR(with_roads, 0.36 * kScenes, 0.12 * kScenes);
  EXPECT_GT(with_roads_and_trees, 0.08 * kScenes);
  EXPECT_NEAR(one, 0.19 * kScenes, 0.07 * kScenes);
}

TEST(Covers, AreGroundOfTheirDayAndNoChange) {
  Scene scene;
  scene.covers.push_back({{{0, 0}, {128, 0}, {128, 256}, {0, 256}}, Ground::kBare, kOnlyAfter});
  EXPECT_EQ(object_map(scene, 0), object_map(scene, 1));
  EXPECT_EQ(ground_at(scene, {64, 64}, 0), Ground::kMeadow);
  EXPECT_EQ(ground_at(scene, {64, 64}, 1), Ground::kBare);
  const auto before = class_map(scene, 0), after = class_map(scene, 1);
  EXPECT_NE(before[64], after[64]);
  EXPECT_EQ(before[192], after[192]);
  freeze(scene, 0);
  EXPECT_EQ(ground_at(scene, {64, 64}, 1), Ground::kBare) << "covers also differ in unchanged places";
}

TEST(Covers, LieBelowEverythingThatWasLaidOut) {
  Scene scene;
  const Polygon all{{0, 0}, {256, 0}, {256, 256}, {0, 256}};
  scene.covers.push_back({all, Ground::kBare, kOnlyAfter});
  scene.zones.push_back({all, Ground::kLawn, kBoth});
  EXPECT_EQ(ground_at(scene, {64, 64}, 1), Ground::kLawn);
  EXPECT_EQ(class_map(scene, 0), class_map(scene, 1));
}

TEST(Covers, AreInHalfOfTheScenes) {
  int covered = 0;
  for (int i = 0; i < kScenes; ++i) covered += scene_of(i).covers.empty() ? 0 : 1;
  EXPECT_GT(covered, kScenes * 4 / 10);
  EXPECT_LT(covered, kScenes * 7 / 10);
}

TEST(Roads, OfTwoCarriagewaysHaveGrassBetweenThem) {
  Scene scene;
  scene.roads.push_back({{{-10, 128}, {266, 128}}, {50, 50}});
  scene.roads[0].median = 12;
  const Look look;
  const auto image = render({scene, 0, look});
  const auto green = [&](int y) {
    const auto* pixel = &image.pixels[static_cast<size_t>(3 * (y * image.width + 128))];
    return pixel[1] - pixel[2];
  };
  EXPECT_GT(green(128), green(128 + 15) + 10);
  EXPECT_GT(green(128), green(128 - 15) + 10);
}

TEST(Trees, ThatAreSparedStandOnLawnsLaidLater) {
  Scene scene;
  scene.zones.push_back({{{0, 0}, {256, 0}, {256, 256}, {0, 256}}, Ground::kLawn, kOnlyAfter});
  for (int x = 4; x < 256; x += 8)
    for (int y = 4; y < 256; y += 8)
      scene.trees.push_back({{static_cast<double>(x), static_cast<double>(y)}, 3, 1});
  Random random(5, 1);
  spare_trees(random, scene, 0.3);
  clear_trees(scene);
  const auto spared = std::count_if(scene.trees.begin(), scene.trees.end(),
                                    [](const Tree& tree) { return tree.dates == kBoth; });
  EXPECT_EQ(scene.trees.size(), 32U * 32U);
  EXPECT_NEAR(static_cast<double>(spared) / (32 * 32), 0.3, 0.06);
  for (const auto& tree : scene.trees) EXPECT_EQ(tree.dates, tree.yard ? kBoth : kOnlyBefore);
}

TEST(Look, AnotherPrintKeepsLightAndSeason) {
  Random random(7, 7);
  const Look look = any_look(random);
  const Look other = another_print(random, look);
  EXPECT_EQ(other.elevation, look.elevation);
  EXPECT_EQ(other.shadow.x, look.shadow.x);
  EXPECT_EQ(other.green, look.green);
  EXPECT_EQ(other.weather, look.weather);
  EXPECT_EQ(other.growth, look.growth);
  EXPECT_NE(other.tone.gain, look.tone.gain);
  EXPECT_NE(other.grain, look.grain);
}

TEST(Look, NoPictureIsBlackWhiteOrFlat) {
  Random random(9, 9);
  for (int i = 0; i < 5000; ++i) {
    const Look look = any_look(random);
    EXPECT_GT(toned(look.tone, 1, 110), 50) << i;
    EXPECT_LT(toned(look.tone, 1, 110), 200) << i;
    EXPECT_GT(toned(look.tone, 1, 160) - toned(look.tone, 1, 60), 45) << i;
  }
}

TEST(Look, ToneIsGainGammaContrastAndHaze) {
  Look look;
  EXPECT_DOUBLE_EQ(toned(look.tone, 0, 77), 77);
  look.tone.contrast = 2;
  EXPECT_DOUBLE_EQ(toned(look.tone, 0, 100), 110);
  EXPECT_DOUBLE_EQ(toned(look.tone, 0, 20), 0);
  look.tone.lift = {51, 0, 0};
  EXPECT_NEAR(toned(look.tone, 0, 100), 139, 1e-9);
  look.tone.gain = {0.5, 1, 1};
  look.tone.gamma = 2;
  EXPECT_NEAR(toned(look.tone, 0, 255), 51 + 37.5 * 0.8, 1e-9);
}

}  // namespace
}  // namespace ccexpert::synth

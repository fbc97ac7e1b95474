#include "synth/facts.h"

#include <algorithm>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "synth/captions.h"
#include "synth/classes.h"
#include "synth/stories.h"

namespace ccexpert::synth {
namespace {

constexpr int kScenes = 300;

Scene scene_of(int index) {
  Random random(31, static_cast<uint64_t>(index));
  return compose_changed(random, 256);
}

/// Returns the numbers of the buildings that only one map has, with their pixels.
std::map<int, std::vector<Point>> buildings_only_in(const std::vector<uint16_t>& here,
                                                    const std::vector<uint16_t>& there, int size) {
  std::map<int, std::vector<Point>> found;
  std::set<int> others;
  const auto is_building = [](uint16_t object) {
    return (object & 7) == static_cast<int>(LandClass::kBuilding);
  };
  for (const uint16_t object : there) {
    if (is_building(object)) others.insert(object / 8);
  }
  for (size_t i = 0; i < here.size(); ++i) {
    const auto width = static_cast<size_t>(size);
    if (is_building(here[i]) && !others.contains(here[i] / 8))
      found[here[i] / 8].push_back(
          {static_cast<double>(i % width) / size, static_cast<double>(i / width) / size});
  }
  return found;
}

int count_of(const std::vector<Fact>& facts, Happening happening) {
  int count = 0;
  for (const auto& fact : facts) {
    const bool building = fact.thing == Thing::kHouse || fact.thing == Thing::kLarge;
    count += building && fact.happening == happening ? fact.count : 0;
  }
  return count;
}

TEST(Facts, CountTheBuildingsThatMapsShow) {
  for (int i = 0; i < kScenes; ++i) {
    const auto scene = scene_of(i);
    const auto facts = facts_of(scene);
    const auto before = object_map(scene, 0);
    const auto after = object_map(scene, 1);
    EXPECT_EQ(count_of(facts, Happening::kBuilt),
              static_cast<int>(buildings_only_in(after, before, 256).size()))
        << i;
    EXPECT_EQ(count_of(facts, Happening::kRemoved),
              static_cast<int>(buildings_only_in(before, after, 256).size()))
        << i;
  }
}

Point centre_of(const std::map<int, std::vector<Point>>& buildings) {
  Point sum;
  double count = 0;
  for (const auto& [number, points] : buildings) {
    for (const Point point : points) sum = sum + point;
    count += static_cast<double>(points.size());
  }
  return sum * (1 / count);
}

bool says(const std::string& caption, const char* word) {
  return (" " + caption).find(std::string(" ") + word + " ") != std::string::npos;
}

/// Wings cover their house in part, so that its middle may be up to 0.04 off.
void expect_place(const std::string& caption, Point at) {
  if (says(caption, "left") || says(caption, "lower-left")) {
    EXPECT_LT(at.x, 0.46) << caption;
  }
  if (says(caption, "right") || says(caption, "lower-right")) {
    EXPECT_GT(at.x, 0.54) << caption;
  }
  if (says(caption, "top") || says(caption, "upper")) {
    EXPECT_LT(at.y, 0.46) << caption;
  }
  if (says(caption, "bottom") || caption.find(" lower-") != std::string::npos) {
    EXPECT_GT(at.y, 0.54) << caption;
  }
  if (says(caption, "middle") || says(caption, "center")) {
    EXPECT_LT(length(at - Point{0.5, 0.5}), 0.25) << caption;
  }
}

TEST(Captions, PlacesAreWhereMapsShowTheChange) {
  int told = 0;
  for (int i = 0; i < kScenes; ++i) {
    const auto scene = scene_of(i);
    const auto facts = facts_of(scene);
    const auto built = buildings_only_in(object_map(scene, 1), object_map(scene, 0), 256);
    const bool houses = facts.front().thing == Thing::kHouse || facts.front().thing == Thing::kLarge;
    if (facts.size() != 1 || !houses || built.empty()) continue;
    Random random(1, static_cast<uint64_t>(i));
    for (const auto& caption : captions_of(random, facts)) expect_place(caption, centre_of(built));
    ++told;
  }
  EXPECT_GT(told, 20);
}

TEST(Captions, NumbersAreThoseOfTheFacts) {
  const std::map<std::string, int> numbers{{"two", 2}, {"three", 3}, {"four", 4}, {"five", 5}, {"six", 6}};
  for (int i = 0; i < kScenes; ++i) {
    const auto facts = facts_of(scene_of(i));
    std::set<int> counts;
    std::set<int> rows;
    for (const auto& fact : facts) {
      counts.insert(fact.count);
      rows.insert(fact.rows);
    }
    Random random(2, static_cast<uint64_t>(i));
    for (const auto& caption : captions_of(random, facts)) {
      for (const auto& [word, number] : numbers) {
        // Neighbours of a house between them are no change.
        if (!says(caption, word.c_str()) || says(caption, "between two")) continue;
        const bool of_rows =
            says(caption, (word + " rows").c_str()) || says(caption, (word + " lines").c_str());
        EXPECT_TRUE((of_rows ? rows : counts).contains(number)) << caption;
      }
    }
  }
}

TEST(Captions, NameOnlyWhatAFactHolds) {
  const auto any = [](const std::vector<Fact>& facts, auto test) {
    return std::any_of(facts.begin(), facts.end(), test);
  };
  for (int i = 0; i < kScenes; ++i) {
    const auto facts = facts_of(scene_of(i));
    Random random(4, static_cast<uint64_t>(i));
    for (const auto& caption : captions_of(random, facts)) {
      const auto holds = [&](const char* words, auto test) {
        if (caption.find(words) != std::string::npos) {
          EXPECT_TRUE(any(facts, test)) << caption;
        }
      };
      const auto beside = [](const Fact& fact) { return fact.roadside != Roadside::kNone; };
      holds("side of the road", beside);
      holds("along the road", beside);
      holds("both sides", [](const Fact& fact) { return fact.both_sides; });
      holds("on one side", [](const Fact& fact) { return fact.one_side; });
      holds("rebuilt",
            [](const Fact& fact) { return fact.rebuilt || fact.happening == Happening::kWidened; });
      holds(" between ", [](const Fact& fact) { return fact.between; });
      holds("path", [](const Fact& fact) { return fact.thing == Thing::kPath; });
      holds("edge", [](const Fact& fact) { return fact.at_edge; });
      holds("cement", [](const Fact& fact) { return fact.concrete; });
      holds("extended", [](const Fact& fact) { return fact.extends; });
      holds("parallel", [](const Fact& fact) { return fact.form == RoadForm::kParallel; });
      holds("rows of", [](const Fact& fact) { return fact.rows > 1; });
      holds("t-shaped", [](const Fact& fact) { return fact.form == RoadForm::kTee; });
      holds("straight", [](const Fact& fact) { return fact.form == RoadForm::kStraight; });
      holds("winding", [](const Fact& fact) { return fact.form == RoadForm::kWinding; });
      holds(" tree",
            [](const Fact& fact) { return fact.thing == Thing::kTrees || fact.cover == Cover::kWoods; });
      holds("forest",
            [](const Fact& fact) { return fact.thing == Thing::kTrees || fact.cover == Cover::kWoods; });
      holds("desert", [](const Fact& fact) { return fact.cover == Cover::kDesert; });
      holds("parking", [](const Fact& fact) { return fact.thing == Thing::kParking; });
      holds("road with", [](const Fact& fact) { return fact.new_road; });
    }
  }
}

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
  EXPECT_EQ(form({across, {{60, 128}, {60, 280}}, {{180, 128}, {180, 280}}}), RoadForm::kCrossing);
  EXPECT_EQ(form({across, {{-20, 40}, {276, 40}}}), RoadForm::kParallel);
  EXPECT_EQ(form({across, {{40, -20}, {40, 60}}}), RoadForm::kAny);
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

TEST(Facts, OfAFrozenSceneAreNone) {
  for (int i = 0; i < 50; ++i) {
    auto scene = scene_of(i);
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

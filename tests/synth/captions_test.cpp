// Sentences against maps, scenes and facts.
#include "synth/captions.h"

#include <algorithm>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "synth/classes.h"
#include "synth/facts.h"
#include "synth/sentences.h"
#include "synth/stories.h"

namespace ccexpert::synth {
namespace {

using ::testing::Contains;

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
      holds("all trees", [](const Fact& fact) { return fact.share > 0.97; });
      holds("many trees", [](const Fact& fact) { return fact.count >= 12; });
      EXPECT_EQ(caption.find("scene in the scene"), std::string::npos) << caption;
      holds("desert", [](const Fact& fact) { return fact.cover == Cover::kDesert; });
      holds("parking", [](const Fact& fact) { return fact.thing == Thing::kParking; });
      holds("road with", [](const Fact& fact) { return fact.new_road; });
    }
  }
}

/// Returns sentences of one form about facts.
template <class Form>
std::vector<std::string> sentences_of(Form form, const std::vector<Fact>& facts) {
  std::vector<std::string> sentences;
  for (uint64_t i = 0; i < 2000; ++i) {
    Random random(8, i);
    const Writer writer{random, voice(i)};
    if (auto text = form(writer, told_of(facts)); !text.empty()) sentences.push_back(std::move(text));
  }
  EXPECT_GT(sentences.size(), 20U);
  return sentences;
}

constexpr Fact kRoad{.thing = Thing::kRoad, .count = 1, .area = 0.1, .cover = Cover::kMeadow};
constexpr Fact kHouses{.count = 4, .area = 0.05, .cover = Cover::kWoods};
const auto kNever = [](const char* words) {
  return ::testing::Each(::testing::Not(::testing::HasSubstr(words)));
};

TEST(Sentences, NothingReplacesTreesIfHousesAreRemoved) {
  constexpr auto kGone = Happening::kRemoved;
  const std::vector<Fact> facts{{.happening = kGone, .count = 3, .area = 0.05},
                                {.thing = Thing::kPool, .happening = kGone, .count = 1, .area = 0.02},
                                {.thing = Thing::kTrees, .happening = kGone, .count = 20, .area = 0.03}};
  const auto sentences = sentences_of(list_sentence, facts);
  EXPECT_THAT(sentences, kNever("replac"));
  EXPECT_THAT(sentences, kNever("in place of"));
}

TEST(Sentences, ARoadBesideHousesIsNotErected) {
  EXPECT_THAT(sentences_of(list_sentence, {kRoad, kHouses}), kNever("erected"));
  EXPECT_THAT(sentences_of(list_sentence, {kHouses, kRoad}), kNever("erected"));
}

TEST(Sentences, TwoThingsHaveAGroundThatBothHad) {
  auto wooded = kRoad;
  wooded.cover = Cover::kWoods;
  EXPECT_THAT(sentences_of(list_sentence, {kHouses, wooded}), Contains(::testing::HasSubstr("forest")));
  EXPECT_THAT(sentences_of(list_sentence, {kHouses, kRoad}), kNever("forest"));
}

TEST(Sentences, APronounFollowsItsSubject) {
  Fact houses{.count = 8, .area = 0.2, .roads = 2, .both_sides = true, .new_road = true};
  Fact roads{.thing = Thing::kRoad, .count = 2, .area = 0.1, .form = RoadForm::kTee};
  const auto sentences = sentences_of(two_clauses, {houses, roads});
  EXPECT_THAT(sentences, Contains(::testing::HasSubstr("on both sides of them")));
  for (const auto& sentence : sentences) {
    if (sentence.find("t-shaped road") != std::string::npos) {
      EXPECT_EQ(sentence.find("of them"), std::string::npos) << sentence;
    }
  }
  houses.roads = 1;
  const auto of_one = sentences_of(two_clauses, {houses, roads});
  EXPECT_THAT(of_one, kNever("of them"));
  EXPECT_THAT(of_one, kNever("sides of it"));
}

TEST(Sentences, NothingOnBareGroundReplacesTrees) {
  auto houses = kHouses;
  const Fact trees{.thing = Thing::kTrees, .happening = Happening::kRemoved, .count = 20, .area = 0.03};
  EXPECT_THAT(sentences_of(plain_sentence, {houses, trees}), Contains(::testing::HasSubstr("replac")));
  EXPECT_THAT(sentences_of(replacement, {houses, trees}), Contains(::testing::HasSubstr("tree")));
  houses.cover = Cover::kBareland;
  for (const auto form : {plain_sentence, list_sentence, replacement}) {
    const auto sentences = sentences_of(form, {houses, kRoad, trees});
    EXPECT_THAT(sentences, kNever(" tree"));
    EXPECT_THAT(sentences, kNever("forest"));
  }
}

TEST(Sentences, AResidentialAreaHasAsManyRoadsAsItsFact) {
  auto houses = kHouses;
  houses.count = 9;
  auto roads = kRoad;
  EXPECT_THAT(sentences_of(residential_area, {houses, roads}), kNever("roads"));
  roads.count = 2;
  EXPECT_THAT(sentences_of(residential_area, {houses, roads}), Contains(::testing::HasSubstr("roads")));
}

}  // namespace
}  // namespace ccexpert::synth

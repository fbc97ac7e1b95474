// The region of the photographs: its light, its ground, and what comes and goes there without being a change.
#include <algorithm>
#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "synth/classes.h"
#include "synth/crop_rows.h"
#include "synth/facts.h"
#include "synth/look.h"
#include "synth/stories.h"

namespace ccexpert::synth {
namespace {

constexpr size_t kGreen = 1;

TEST(Texas, IsTheWorldOfMoreThanHalfOfTheScenes) {
  constexpr int kScenes = 200;
  int texan = 0;
  for (uint64_t i = 0; i < kScenes; ++i) {
    Random random(47, i);
    texan += compose_changed(random, 128).world == World::kTexas ? 1 : 0;
  }
  EXPECT_GT(texan, kScenes / 2);
  EXPECT_LT(texan, kScenes * 7 / 10);
}

TEST(Texas, SecondDatesAreDarkerAndStoredAtOneSize) {
  Random random(3, 3);
  constexpr int kPairs = 2000;
  int darker = 0;
  int halved = 0;
  for (int i = 0; i < kPairs; ++i) {
    const auto [first, second] = looks_of(random, World::kTexas);
    darker += toned(second.tone, kGreen, 110) < toned(first.tone, kGreen, 110) ? 1 : 0;
    halved += first.halved ? 1 : 0;
    EXPECT_EQ(first.halved, second.halved) << i;
  }
  EXPECT_GT(darker, kPairs * 3 / 4);
  EXPECT_LT(darker, kPairs * 95 / 100);
  EXPECT_NEAR(static_cast<double>(halved) / kPairs, 0.7, 0.05);
}

TEST(Texas, NoPictureIsBlackWhiteOrFlat) {
  Random random(4, 4);
  for (int i = 0; i < 3000; ++i) {
    for (const auto& look : looks_of(random, World::kTexas)) {
      EXPECT_GT(toned(look.tone, kGreen, 110), 40) << i;
      EXPECT_LT(toned(look.tone, kGreen, 110), 215) << i;
      EXPECT_GT(toned(look.tone, kGreen, 160) - toned(look.tone, kGreen, 60), 35) << i;
    }
  }
}

TEST(Texas, BlackIsSubtractedAndHighlightsAreCompressed) {
  Look look;
  look.tone.black = {50, 0, 0};
  EXPECT_DOUBLE_EQ(toned(look.tone, 0, 150), 100);
  EXPECT_DOUBLE_EQ(toned(look.tone, 0, 20), 0);
  look.tone.gain = {1, 2, 1};
  EXPECT_DOUBLE_EQ(toned(look.tone, kGreen, 127.5), 255);
  look.tone.shoulder = true;
  EXPECT_DOUBLE_EQ(toned(look.tone, kGreen, 90), 180);
  EXPECT_DOUBLE_EQ(toned(look.tone, kGreen, 127.5), 190 + 65.0 / 2);
}

TEST(Texas, CountryHasNoChange) {
  for (uint64_t i = 0; i < 40; ++i) {
    Random random(11, i);
    const auto scene = compose_country(random, 128);
    EXPECT_EQ(scene.world, World::kTexas);
    EXPECT_THAT(facts_of(scene), ::testing::IsEmpty()) << i;
    EXPECT_EQ(object_map(scene, 0), object_map(scene, 1)) << i;
  }
}

TEST(Texas, FencesThatPassDoSoInAnUnchangedPlaceToo) {
  Scene scene;
  scene.fences.push_back({{{0, 0}, {50, 50}}, kOnlyAfter, true});
  scene.fences.push_back({{{0, 9}, {50, 50}}, kOnlyAfter});
  freeze(scene, 0);
  EXPECT_EQ(scene.fences[0].dates, kOnlyAfter);
  EXPECT_EQ(scene.fences[1].dates, Dates{});
  EXPECT_EQ(object_map(scene, 0), object_map(scene, 1));
}

TEST(CropRows, LieAcrossTexanFieldsAlone) {
  Scene scene;
  Look look;
  look.weather = 12345;
  const auto deviation = [&] {
    CropRows rows({scene, 0, look});
    double squares = 0;
    for (size_t y = 0; y < 256; y += 8) {
      const float* line = rows.line(y);
      for (size_t x = 0; x < 256; ++x) squares += line[x] * line[x] / (256 * 32.0);
    }
    return std::sqrt(squares);
  };
  EXPECT_EQ(deviation(), 0);
  scene.world = World::kTexas;
  EXPECT_GT(deviation(), 10);
  EXPECT_LT(deviation(), 60);
}

TEST(CropRows, OfBanksAreTheSameAtEveryDate) {
  Scene scene;
  scene.world = World::kTexas;
  scene.texture = 99;
  scene.terraces = 1;
  Look first;
  Look second;
  second.weather = 4711;
  CropRows a({scene, 0, first});
  CropRows b({scene, 1, second});
  const float* here = a.line(100);
  const float* there = b.line(100);
  EXPECT_TRUE(std::equal(here, here + 256, there));
}

}  // namespace
}  // namespace ccexpert::synth

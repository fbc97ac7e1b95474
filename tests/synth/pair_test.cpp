#include "synth/shared/pair.h"

#include <algorithm>
#include <set>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "synth/captions.h"
#include "synth/stories.h"

namespace ccexpert::synth {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

constexpr PairSource kSmall{.seed = 5, .size = 128};

bool same(const SyntheticPair& a, const SyntheticPair& b) {
  return a.before.pixels == b.before.pixels && a.after.pixels == b.after.pixels && a.mask == b.mask &&
         a.classes_before == b.classes_before && a.classes_after == b.classes_after &&
         a.text.captions == b.text.captions && a.text.changed == b.text.changed;
}

TEST(Pair, DependsOnSeedAndIndexAloneOnEveryThread) {
  std::vector<SyntheticPair> alone;
  for (int64_t i = 0; i < 6; ++i) alone.push_back(generate_pair(kSmall, i));
  std::vector<SyntheticPair> together(6);
  {
    std::vector<std::jthread> threads;
    for (int64_t i = 5; i >= 0; --i)
      threads.emplace_back([&, i] { together[static_cast<size_t>(i)] = generate_pair(kSmall, i); });
  }
  for (size_t i = 0; i < 6; ++i) EXPECT_TRUE(same(alone[i], together[i])) << i;
}

TEST(Pair, IsAnotherOneForAnotherSeedOrIndex) {
  const auto pair = generate_pair(kSmall, 3);
  EXPECT_NE(pair.before.pixels, generate_pair(kSmall, 4).before.pixels);
  EXPECT_NE(pair.before.pixels, generate_pair({.seed = 6, .size = 128}, 3).before.pixels);
}

TEST(Pair, HasImagesAndMapsOfTheSizeAskedFor) {
  const auto pair = generate_pair({.seed = 1, .size = 192}, 0);
  for (const auto* image : {&pair.before, &pair.after}) {
    EXPECT_EQ(image->height, 192);
    EXPECT_EQ(image->width, 192);
    EXPECT_EQ(image->pixels.size(), 192U * 192 * 3);
  }
  for (const auto* map : {&pair.mask, &pair.classes_before, &pair.classes_after})
    EXPECT_EQ(map->size(), 192U * 192);
}

TEST(Pair, OneOfTwoNeighboursHasChanged) {
  std::set<bool> firsts;
  for (int64_t i = 0; i < 40; i += 2) {
    const bool first = describe_pair(kSmall, i).changed;
    EXPECT_NE(first, describe_pair(kSmall, i + 1).changed) << i;
    firsts.insert(first);
  }
  EXPECT_EQ(firsts.size(), 2U);
}

TEST(Pair, MaskIsEmptyWhereAndOnlyWhereNothingChanged) {
  for (int64_t i = 0; i < 60; ++i) {
    const auto pair = generate_pair(kSmall, i);
    const auto marked = std::count(pair.mask.begin(), pair.mask.end(), 255);
    EXPECT_EQ(marked + std::count(pair.mask.begin(), pair.mask.end(), 0), 128 * 128) << i;
    EXPECT_EQ(marked > 0, pair.text.changed) << i;
    if (pair.text.changed) {
      EXPECT_GT(marked, 60) << i;
    }
  }
}

bool is_open_ground(uint8_t land) {
  return land == static_cast<uint8_t>(LandClass::kGrass) || land == static_cast<uint8_t>(LandClass::kBare);
}

TEST(Pair, MaskHoldsAllPixelsWhoseClassChangedButForOpenGround) {
  for (int64_t i = 0; i < 60; ++i) {
    const auto pair = generate_pair(kSmall, i);
    for (size_t at = 0; at < pair.mask.size(); ++at) {
      ASSERT_LT(pair.classes_before[at], kLandClasses);
      // Grass may be ploughed on one day, which is not a change.
      if (is_open_ground(pair.classes_before[at]) && is_open_ground(pair.classes_after[at])) continue;
      if (pair.classes_before[at] != pair.classes_after[at]) {
        ASSERT_EQ(pair.mask[at], 255) << i << " at " << at;
      }
      // Replacing one building by another is also a change; for ground, trees and roads the class is
      // sufficient.
      const bool numbered = pair.classes_before[at] >= static_cast<uint8_t>(LandClass::kBuilding);
      if (pair.classes_before[at] == pair.classes_after[at] && !numbered) {
        ASSERT_EQ(pair.mask[at], 0) << i << " at " << at;
      }
    }
  }
}

TEST(Pair, UnchangedPairsLookDifferentAllTheSame) {
  for (int64_t i = 0; i < 20; ++i) {
    const auto pair = generate_pair(kSmall, i);
    if (pair.text.changed) continue;
    double difference = 0;
    for (size_t at = 0; at < pair.before.pixels.size(); ++at)
      difference += std::abs(pair.before.pixels[at] - pair.after.pixels[at]);
    EXPECT_GT(difference / static_cast<double>(pair.before.pixels.size()), 4) << i;
  }
}

TEST(Text, IsTheSameWithoutImages) {
  for (int64_t i = 0; i < 10; ++i)
    EXPECT_EQ(describe_pair(kSmall, i).captions, generate_pair(kSmall, i).text.captions);
}

TEST(Text, OfUnchangedPairsIsTheFiveSentences) {
  for (int64_t i = 0; i < 100; ++i) {
    const auto text = describe_pair({}, i);
    const std::vector<std::string> fixed(kUnchangedSentences.begin(), kUnchangedSentences.end());
    if (!text.changed) {
      EXPECT_EQ(text.captions, fixed);
    }
    if (text.changed) {
      for (const auto& caption : text.captions) EXPECT_THAT(fixed, ::testing::Not(Contains(caption)));
    }
  }
}

TEST(Text, HasFiveDistinctSentencesOfKnownWords) {
  const std::set<std::string> known(caption_words().begin(), caption_words().end());
  for (int64_t i = 0; i < 400; ++i) {
    const auto text = describe_pair({}, i);
    if (!text.changed) continue;
    EXPECT_EQ(std::set<std::string>(text.captions.begin(), text.captions.end()).size(), 5U) << i;
    for (const auto& caption : text.captions) {
      EXPECT_TRUE(caption.ends_with(" .")) << caption;
      EXPECT_EQ(caption.find("  "), std::string::npos) << caption;
      std::istringstream words(caption);
      for (std::string word; words >> word;) EXPECT_TRUE(known.contains(word)) << word << " in " << caption;
    }
  }
}

TEST(Text, UsesEveryWordItMay) {
  // Scenes take longer than sentences: rare words come by more sentences for each scene.
  constexpr int kTimes = 16;
  std::set<std::string> unused(caption_words().begin(), caption_words().end());
  for (uint64_t i = 0; i < 4000 && !unused.empty(); ++i) {
    Random random(9, i);
    const auto facts = facts_of(compose_changed(random, 256));
    for (int time = 0; time < kTimes; ++time) {
      for (const auto& caption : captions_of(random, facts)) {
        std::istringstream words(caption);
        for (std::string word; words >> word;) unused.erase(word);
      }
    }
  }
  EXPECT_THAT(unused, ::testing::IsEmpty());
}

TEST(Pair, RefusesSizesAndNumbersOutOfRange) {
  EXPECT_EQ(test::error_of([] { generate_pair({.seed = 1, .size = 64}, 0); }),
            "size: expected 128 to 1024 pixels, got 64");
  EXPECT_EQ(test::error_of([] { describe_pair({.seed = 1, .size = 2000}, 0); }),
            "size: expected 128 to 1024 pixels, got 2000");
  EXPECT_THAT(test::error_of([] { describe_pair({}, -1); }),
              HasSubstr("pair index: expected 0 or more, got -1"));
}

}  // namespace
}  // namespace ccexpert::synth

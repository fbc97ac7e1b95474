// Place of the change, maps of words and the check of swapped pairs, from the small checkpoint.
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/generate/conversation.h>

#include "core/change_calibration.h"
#include "generate/swap_check.h"
#include "generate/tiny_captioner.h"
#include "support/errors.h"
#include "support/temporary_folder.h"

namespace ccexpert::generate {
namespace {

using test::error_of;
using test::PaintedPairs;
using test::TemporaryFolder;
using test::tiny_captioner;
using ::testing::Each;
using ::testing::FloatNear;
using ::testing::IsEmpty;
using ::testing::Pointwise;

bool is_between_0_and_1(const ChangeMap& map) {
  return std::ranges::all_of(map.values, [](float value) { return value >= 0.0F && value <= 1.0F; });
}

/// Joins the words of a caption by blanks.
std::string joined(const std::vector<WordMap>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word.word;
  return text;
}

/// Returns the text with its runs of blanks as one.
std::string single_blanks(const std::string& text) {
  std::string result;
  for (const char c : text) {
    const bool blank = std::isspace(static_cast<unsigned char>(c)) != 0;
    if (!blank || !result.ends_with(' ')) result += blank ? ' ' : c;
  }
  return result;
}

/// Copies the small checkpoint with a calibration.
void write_calibrated(const std::filesystem::path& folder, const ChangeCalibration& calibration) {
  std::filesystem::copy(test::tiny_folder(), folder);
  write_file(folder / kChangeScoreFile, to_json_text(calibration));
}

TEST(Locate, EqualImagesHaveNoChange) {
  const auto image = test::painted(1), other = test::painted(2);
  const std::vector<ImagePair> pairs{{image.view(), image.view()}, {image.view(), other.view()}};
  const auto found = tiny_captioner().locate(pairs);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].map.grid, 6);
  EXPECT_EQ(found[0].map.values.size(), 36u);
  EXPECT_LT(found[0].score, found[1].score);
  for (const auto& change : found) {
    EXPECT_TRUE(is_between_0_and_1(change.map));
    EXPECT_EQ(change.raw, change.score) << "without a calibration";
  }
  EXPECT_FALSE(tiny_captioner().calibrated());
  EXPECT_EQ(tiny_captioner().change_threshold(), 0.5);
}

TEST(Locate, ABatchGivesWhatEachPairGivesAloneAndCaptionsGiveToo) {
  const PaintedPairs pairs(3);
  const auto batch = tiny_captioner().locate(pairs.views());
  const auto captions = tiny_captioner().caption(pairs.views(), {.locate = true});
  const auto plain = tiny_captioner().caption(pairs.views());
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto alone = tiny_captioner().locate({&pairs[i], 1});
    EXPECT_THAT(batch[i].map.values, Pointwise(FloatNear(1e-5F), alone[0].map.values)) << i;
    ASSERT_TRUE(captions[i].change);
    EXPECT_THAT(captions[i].change->map.values, Pointwise(FloatNear(1e-5F), alone[0].map.values)) << i;
    EXPECT_NEAR(captions[i].change->score, alone[0].score, 1e-5);
    EXPECT_EQ(captions[i].token_ids, plain[i].token_ids);
    EXPECT_FALSE(plain[i].change);
  }
}

TEST(Locate, NoPairsAndAStopGiveNothing) {
  EXPECT_THAT(tiny_captioner().locate({}), IsEmpty());
  const PaintedPairs pairs(1);
  std::stop_source source;
  source.request_stop();
  EXPECT_THAT(tiny_captioner().locate(pairs.views(), source.get_token()), IsEmpty());
}

TEST(Locate, AModelWithoutDiffExpertComparesItsFeatures) {
  const TemporaryFolder folder;
  test::write_base_checkpoint(folder / "base");
  const auto base = Captioner::load(folder / "base", {.device = "cpu"});
  const auto image = test::painted(1), other = test::painted(2);
  const std::vector<ImagePair> pairs{{image.view(), image.view()}, {image.view(), other.view()}};
  const auto found = base.locate(pairs);
  EXPECT_THAT(found[0].map.values, Each(FloatNear(0.0F, 1e-5F)));
  EXPECT_GT(found[1].score, found[0].score);
}

TEST(Locate, ACalibrationBesideTheModelGivesTheScore) {
  const TemporaryFolder folder;
  const ChangeCalibration calibration{.slope = 20.0, .offset = -1.0, .threshold = 0.125, .pairs = 9};
  write_calibrated(folder / "model", calibration);
  const auto captioner = Captioner::load(folder / "model", {.device = "cpu"});
  const PaintedPairs pairs(1);
  const auto found = captioner.locate(pairs.views())[0];
  EXPECT_TRUE(captioner.calibrated());
  EXPECT_EQ(captioner.change_threshold(), 0.125);
  EXPECT_DOUBLE_EQ(found.score, calibration.probability(found.raw));
  EXPECT_NEAR(found.raw, tiny_captioner().locate(pairs.views())[0].raw, 1e-6);
}

TEST(Locate, AnAdapterHasACalibrationOfItsOwn) {
  const TemporaryFolder folder;
  write_calibrated(folder / "model", {.slope = 20.0, .offset = -1.0, .pairs = 9});
  const auto adapter = folder / "adapter";
  std::filesystem::copy(test::data_folder() / "lora" / "decoder", adapter);
  for (const bool merge : {true, false}) {
    const auto load = [&] {
      return Captioner::load(folder / "model", {.device = "cpu", .adapter = adapter, .merge_adapter = merge});
    };
    std::filesystem::remove(adapter / kChangeScoreFile);
    EXPECT_FALSE(load().calibrated()) << "the base's scores are others";
    write_file(adapter / kChangeScoreFile, to_json_text(ChangeCalibration{.threshold = 0.25, .pairs = 9}));
    EXPECT_EQ(load().change_threshold(), 0.25);
  }
}

TEST(Locate, ADamagedCalibrationIsAnError) {
  const TemporaryFolder folder;
  std::filesystem::copy(test::tiny_folder(), folder / "model");
  write_file(folder / "model" / kChangeScoreFile, "{}");
  const auto file = (folder / "model" / kChangeScoreFile).string();
  EXPECT_EQ(error_of([&] { Captioner::load(folder / "model", {.device = "cpu"}); }),
            file + ": format: expected ccexpert change score 1, got none");
}

TEST(Words, SpellTheCaptionWithAMapEach) {
  const PaintedPairs pairs(3);
  const auto plain = tiny_captioner().caption(pairs.views());
  const auto captions = tiny_captioner().caption(pairs.views(), {.words = true});
  for (size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_EQ(captions[i].token_ids, plain[i].token_ids);
    EXPECT_EQ(joined(captions[i].words), single_blanks(captions[i].text)) << i;
    EXPECT_THAT(plain[i].words, IsEmpty());
    float most = 0.0F;
    for (const auto& word : captions[i].words) {
      ASSERT_EQ(word.map.values.size(), 36u);
      EXPECT_TRUE(is_between_0_and_1(word.map));
      most = std::max(most, *std::ranges::max_element(word.map.values));
    }
    EXPECT_FLOAT_EQ(most, 1.0F);
  }
}

TEST(Words, ABatchGivesWhatEachPairGivesAlone) {
  const PaintedPairs painted(3);
  auto pairs = painted.views();
  pairs[1].question = "Look at <image> and then at <image>. Which houses came, and which ones went?";
  const auto batch = tiny_captioner().caption(pairs, {.words = true});
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto alone = tiny_captioner().caption({&pairs[i], 1}, {.words = true});
    ASSERT_EQ(batch[i].words.size(), alone[0].words.size());
    for (size_t word = 0; word < alone[0].words.size(); ++word) {
      EXPECT_THAT(batch[i].words[word].map.values,
                  Pointwise(FloatNear(1e-3F), alone[0].words[word].map.values));
    }
  }
}

TEST(Words, BeamsDraftsAndConversationsHaveThemToo) {
  const PaintedPairs pairs(2);
  const auto greedy = tiny_captioner().caption(pairs.views(), {.words = true});
  const auto drafted = tiny_captioner().caption(pairs.views(), {.draft_tokens = 4, .words = true});
  auto conversation = tiny_captioner().converse(pairs.views());
  conversation.ask({.question = "What has changed?"});
  const auto asked = conversation.ask({.words = true});
  const auto beams = tiny_captioner().caption(pairs.views(), {.generation = {.beams = 3}, .words = true});
  for (size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_EQ(joined(beams[i].words), single_blanks(beams[i].text));
    ASSERT_EQ(drafted[i].words.size(), greedy[i].words.size());
    ASSERT_EQ(asked[i].words.size(), greedy[i].words.size());
    for (size_t word = 0; word < greedy[i].words.size(); ++word) {
      const auto& expected = greedy[i].words[word].map.values;
      EXPECT_THAT(drafted[i].words[word].map.values, Pointwise(FloatNear(1e-3F), expected));
      EXPECT_THAT(asked[i].words[word].map.values, Pointwise(FloatNear(1e-3F), expected));
    }
  }
}

TEST(Words, PatchesThatTheDecoderDoesNotSeeHaveNoValue) {
  const PaintedPairs pairs(1);
  const auto caption = tiny_captioner().caption(pairs.views(), {.keep_tokens = 0.25, .words = true})[0];
  size_t seen = 0;
  for (size_t patch = 0; patch < 36; ++patch) {
    seen +=
        std::ranges::any_of(caption.words, [&](const WordMap& word) { return word.map.values[patch] > 0.0F; })
            ? 1
            : 0;
  }
  EXPECT_GT(seen, 0u);
  EXPECT_LE(seen, 9u);
}

Caption said(const std::string& text, double score) {
  Caption caption;
  caption.text = text;
  caption.change = LocatedChange{.score = score};
  return caption;
}

TEST(SwapCheck, IsSureIfAllAgree) {
  const auto none = said("no change", 0.1), house = said("a house", 0.9), gone = said("a house went", 0.8);
  EXPECT_FALSE(is_unsure({house, gone, none}, true));
  EXPECT_FALSE(is_unsure({none, none, none}, true));
  EXPECT_TRUE(is_unsure({house, none, none}, true)) << "only one order has a change";
  EXPECT_TRUE(is_unsure({said("no change", 0.9), none, none}, true)) << "score against caption";
  EXPECT_TRUE(is_unsure({none, said("no change", 0.9), none}, true));
  EXPECT_TRUE(is_unsure({house, gone, said("no change", 0.7)}, true)) << "a change of one image";
}

TEST(SwapCheck, AllSentencesOfLevirCcSayNoChange) {
  const auto none = said("no change has occurred", 0.1), other = said("there is no difference .", 0.1);
  EXPECT_FALSE(is_unsure({other, none, said("the two scenes seem identical .", 0.1)}, true));
  EXPECT_TRUE(is_unsure({said("there is no difference in the houses", 0.1), none, other}, true));
}

TEST(SwapCheck, ScoresWithoutACalibrationDoNotCount) {
  const auto none = said("no change", 0.9), house = said("a house", 0.1), gone = said("a house went", 0.1);
  EXPECT_FALSE(is_unsure({house, gone, none}, false));
  EXPECT_TRUE(is_unsure({house, none, none}, false));
}

TEST(SwapCheck, AChangeOfEqualImagesIsUnsureWithoutACalibration) {
  const auto house = said("a house", 0.1), road = said("a road", 0.1), own = said("no change", 0.1);
  const auto none = said("no change has occurred .", 0.1);
  EXPECT_TRUE(is_unsure({house, house, house}, false)) << "blind to the pair";
  EXPECT_TRUE(is_unsure({road, own, road}, false));
  EXPECT_TRUE(is_unsure({road, none, road}, false)) << "no words of its own for no change";
  EXPECT_TRUE(is_unsure({none, road, road}, false));
  EXPECT_FALSE(is_unsure({none, none, none}, false));
  EXPECT_FALSE(is_unsure({none, none, house}, false)) << "neither order repeats it";
  EXPECT_FALSE(is_unsure({own, own, own}, true)) << "scores know no change either";
}

TEST(SwapCheck, IsOfTheCaptionsOfAllOrders) {
  const PaintedPairs pairs(2);
  const auto checked = tiny_captioner().caption(pairs.views(), {.check_swap = true});
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto text = [&](const image::ImageView& before, const image::ImageView& after) {
      return tiny_captioner().caption(before, after).text;
    };
    const auto asked = text(pairs[i].before, pairs[i].after), swapped = text(pairs[i].after, pairs[i].before);
    const auto same = text(pairs[i].before, pairs[i].before);
    EXPECT_EQ(checked[i].text, asked);
    ASSERT_TRUE(checked[i].unsure);
    const auto says_change = [&](const std::string& caption) {
      return caption != same && caption != "there is no difference .";
    };
    const bool repeats = same != "there is no difference ." && (asked == same || swapped == same);
    EXPECT_EQ(*checked[i].unsure, repeats || says_change(asked) != says_change(swapped));
    EXPECT_FALSE(checked[i].change) << "was not asked for";
  }
}

TEST(SwapCheck, ACancelledCaptionHasNone) {
  const PaintedPairs pairs(2);
  size_t events = 0;
  const auto captions = tiny_captioner().caption(pairs.views(), {.on_token =
                                                                     [&](const TokenEvent& event) {
                                                                       ++events;
                                                                       return event.pair != 1;
                                                                     },
                                                                 .check_swap = true});
  EXPECT_TRUE(captions[0].unsure);
  EXPECT_FALSE(captions[1].unsure);
  EXPECT_EQ(events, captions[0].token_ids.size() + 1) << "other orders are not reported";
}

TEST(SwapCheck, AConversationRefusesIt) {
  const PaintedPairs pairs(1);
  auto conversation = tiny_captioner().converse(pairs.views());
  EXPECT_EQ(error_of([&] { conversation.ask({.check_swap = true}); }),
            "check_swap: expected no conversation, which holds no pixels, got one");
}

}  // namespace
}  // namespace ccexpert::generate

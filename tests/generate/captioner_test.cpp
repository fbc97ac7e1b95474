// Captions through the public interface, from a small but whole checkpoint.
#include <numeric>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/captioner.h>
#include <ccexpert/image/decode.h>

#include "generate/tiny_captioner.h"
#include "support/errors.h"
#include "support/golden.h"
#include "support/shared_data.h"

namespace ccexpert::generate {
namespace {

using test::error_of;
using test::PaintedPairs;
using test::tiny_captioner;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Caption caption_of(const ImagePair& pair, const CaptionOptions& options = {}) {
  return tiny_captioner().caption(pair.before, pair.after, options);
}

/// The real pairs of expected.json, decoded.
class RealPairs : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto folder = test::real_pairs();
    if (!folder) GTEST_SKIP() << test::kNoRealPairs;
    for (const auto& pair : expected_["pairs"]) {
      for (const auto& name : pair["images"])
        images_.push_back(image::decode_image(*folder / name.get<std::string>()));
    }
    for (size_t i = 0; i < images_.size(); i += 2) {
      views_.push_back({images_[i].view(), images_[i + 1].view()});
    }
  }

  nlohmann::json expected_ = test::tiny_expected();
  std::vector<image::Image> images_;
  std::vector<ImagePair> views_;
};

TEST_F(RealPairs, GreedyCaptionsEqualTheReference) {
  const GenerationOptions generation{.max_new_tokens = expected_["max_new_tokens"].get<int64_t>()};
  ASSERT_EQ(views_.size(), 3u);
  const auto batch = tiny_captioner().caption(views_, {.generation = generation});
  for (size_t i = 0; i < views_.size(); ++i) {
    SCOPED_TRACE(i);
    const auto& pair = expected_["pairs"][i];
    const auto logprobs = pair["logprobs"].get<std::vector<double>>();
    const auto single = caption_of(views_[i], {.generation = generation});
    for (const auto& caption : {single, batch[i]}) {
      EXPECT_EQ(caption.token_ids, pair["generated_ids"].get<std::vector<int64_t>>());
      EXPECT_EQ(caption.text, pair["text"].get<std::string>());
      EXPECT_NEAR(caption.logprob, std::accumulate(logprobs.begin(), logprobs.end(), 0.0), 1e-3);
      EXPECT_EQ(caption.finish, FinishReason::kEndToken);
      EXPECT_FALSE(caption.change_feature);
    }
  }
}

TEST_F(RealPairs, ChangeFeaturesEqualTheReference) {
  const auto golden = io::open_safetensors(test::tiny_folder() / "expected.safetensors");
  const auto captions = tiny_captioner().caption(views_, {.change_feature = true});
  for (size_t i = 0; i < captions.size(); ++i) {
    ASSERT_TRUE(captions[i].change_feature);
    const auto& change = *captions[i].change_feature;
    EXPECT_EQ(change.grid, 6);
    EXPECT_EQ(change.width, 128);
    ASSERT_EQ(change.values.size(), 6u * 6 * 128);
    EXPECT_TRUE(
        test::close(at::tensor(change.values).view({1, 36, 128}), golden->tensor(std::to_string(i) + ".Q")))
        << "pair " << i;
  }
}

TEST(Captioner, ABatchGivesWhatEachPairGivesAlone) {
  const PaintedPairs pairs(5);
  const auto batch = tiny_captioner().caption(pairs.views());
  ASSERT_EQ(batch.size(), pairs.size());
  std::set<std::vector<int64_t>> distinct;
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto alone = caption_of(pairs[i]);
    EXPECT_EQ(batch[i].token_ids, alone.token_ids) << "pair " << i;
    EXPECT_EQ(batch[i].text, alone.text) << "pair " << i;
    EXPECT_NEAR(batch[i].logprob, alone.logprob, 1e-4) << "pair " << i;
    EXPECT_EQ(batch[i].finish, alone.finish) << "pair " << i;
    distinct.insert(batch[i].token_ids);
  }
  EXPECT_GT(distinct.size(), 1u) << "the captions follow the images";
}

TEST(Captioner, ABatchOfUnequalQuestionsGivesWhatEachPairGivesAlone) {
  const test::PaintedPairs painted(3);
  auto pairs = painted.views();
  pairs[0].question = "Describe the change.";
  pairs[2].question =
      "Look at <image> and then at <image>. Which houses, roads or trees came, and which ones went?";
  const auto together = test::tiny_captioner().caption(pairs);
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto alone = test::tiny_captioner().caption({&pairs[i], 1});
    EXPECT_EQ(together[i].token_ids, alone[0].token_ids) << i;
    EXPECT_NEAR(together[i].logprob, alone[0].logprob, 1e-4) << i;
  }
  EXPECT_NE(together[0].logprob, test::tiny_captioner().caption({&painted.views()[0], 1})[0].logprob);
}

TEST(Captioner, NoPairsAreNoCaptions) {
  EXPECT_THAT(tiny_captioner().caption(std::span<const ImagePair>()), IsEmpty());
}

TEST(Captioner, BeamsOfABatchAreThoseOfEachPairAlone) {
  const PaintedPairs pairs(3);
  const CaptionOptions beams{.generation = {.max_new_tokens = 12, .beams = 4, .length_penalty = 0.0}};
  const auto batch = tiny_captioner().caption(pairs.views(), beams);
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto alone = caption_of(pairs[i], beams);
    EXPECT_EQ(batch[i].token_ids, alone.token_ids) << "pair " << i;
    EXPECT_NEAR(batch[i].logprob, alone.logprob, 1e-4) << "pair " << i;
    const auto greedy = caption_of(pairs[i], {.generation = {.max_new_tokens = 12}});
    EXPECT_GE(batch[i].logprob, greedy.logprob - 1e-4) << "pair " << i;
  }
}

TEST(Captioner, SamplesAreTheSeedsAndThePairsOwn) {
  const PaintedPairs pairs(3);
  const auto sampled = [](int64_t seed) {
    return CaptionOptions{.generation = {.max_new_tokens = 16, .temperature = 2.0, .seed = seed}};
  };
  const auto batch = tiny_captioner().caption(pairs.views(), sampled(5));
  for (size_t i = 0; i < pairs.size(); ++i) {
    EXPECT_EQ(batch[i].token_ids, caption_of(pairs[i], sampled(5)).token_ids) << "pair " << i;
  }
  EXPECT_NE(batch[0].token_ids, caption_of(pairs[0], sampled(6)).token_ids);
}

TEST(Captioner, TokenEventsAddUpToTheCaption) {
  const PaintedPairs pairs(3);
  std::vector<std::string> texts(pairs.size());
  std::vector<double> logprobs(pairs.size());
  std::vector<std::vector<int64_t>> ids(pairs.size());
  const auto captions = tiny_captioner().caption(pairs.views(), {.on_token = [&](const TokenEvent& event) {
                                                   texts[event.pair] += event.text;
                                                   logprobs[event.pair] += event.logprob;
                                                   ids[event.pair].push_back(event.token_id);
                                                   return true;
                                                 }});
  for (size_t i = 0; i < pairs.size(); ++i) {
    const auto first = texts[i].find_first_not_of(' ');
    EXPECT_EQ(texts[i].substr(first), captions[i].text) << "pair " << i;
    EXPECT_FALSE(captions[i].text.empty()) << "pair " << i;
    EXPECT_DOUBLE_EQ(logprobs[i], captions[i].logprob) << "pair " << i;
    EXPECT_EQ(ids[i], captions[i].token_ids) << "pair " << i;
  }
}

TEST(Captioner, TheLastTokenEventBringsAnUnfinishedCharacter) {
  const PaintedPairs pairs(1);
  size_t unfinished = 0;
  for (int64_t seed = 0; seed < 12; ++seed) {
    std::string text;
    const auto add = [&](const TokenEvent& event) {
      text += event.text;
      return true;
    };
    // The temperature is so high that tokens are nearly uniform: half of the single bytes begin or continue a
    // longer character.
    const auto caption = caption_of(
        pairs[0],
        {.generation = {.max_new_tokens = 3, .temperature = 1000.0, .seed = seed}, .on_token = add});
    if (caption.text.ends_with("\uFFFD")) ++unfinished;
    EXPECT_THAT(text, HasSubstr(caption.text)) << "seed " << seed;
  }
  EXPECT_GT(unfinished, 0u);
}

TEST(Captioner, ACallbackCancelsItsPairAlone) {
  const PaintedPairs pairs(3);
  const auto whole = tiny_captioner().caption(pairs.views());
  size_t seen = 0;
  const auto captions = tiny_captioner().caption(
      pairs.views(), {.on_token = [&](const TokenEvent& event) { return event.pair != 1 || ++seen < 2; }});
  EXPECT_EQ(captions[1].finish, FinishReason::kCancelled);
  EXPECT_THAT(captions[1].token_ids,
              ElementsAreArray(whole[1].token_ids.begin(), whole[1].token_ids.begin() + 2));
  for (const size_t other : {0u, 2u}) {
    EXPECT_EQ(captions[other].token_ids, whole[other].token_ids);
    EXPECT_EQ(captions[other].finish, whole[other].finish);
  }
}

TEST(Captioner, AStopRequestReturnsWhatThereIs) {
  const PaintedPairs pairs(2);
  std::stop_source source;
  size_t events = 0;
  const auto stop_after_two_rounds = [&](const TokenEvent&) {
    if (++events == 4) source.request_stop();
    return true;
  };
  const auto captions = tiny_captioner().caption(
      pairs.views(), {.on_token = stop_after_two_rounds, .stop = source.get_token()});
  for (const auto& caption : captions) {
    EXPECT_EQ(caption.token_ids.size(), 2u);
    EXPECT_EQ(caption.finish, FinishReason::kCancelled);
  }
  for (const int64_t beams : {1, 3}) {
    const auto none = caption_of(pairs[0], {.generation = {.beams = beams}, .stop = source.get_token()});
    EXPECT_THAT(none.token_ids, IsEmpty());
    EXPECT_THAT(none.text, IsEmpty());
    EXPECT_EQ(none.finish, FinishReason::kCancelled) << beams << " beams";
  }
}

TEST(Captioner, AStopRequestEndsTheCallBehindTheStageUnderWay) {
  const PaintedPairs pairs(1);
  std::stop_source source;
  source.request_stop();
  const double before = tiny_captioner().timings().diff_expert;
  const auto none = caption_of(pairs[0], {.stop = source.get_token()});
  EXPECT_EQ(none.finish, FinishReason::kCancelled);
  EXPECT_EQ(tiny_captioner().timings().diff_expert, before);
}

TEST(Captioner, AnExceptionOfACallbackReachesTheCaller) {
  const PaintedPairs pairs(1);
  const auto throws = [](const TokenEvent&) -> bool { throw std::out_of_range("mine"); };
  EXPECT_THROW(caption_of(pairs[0], {.on_token = throws}), std::out_of_range);
}

TEST(Captioner, ReturnsAChangeFeatureOnlyWhereItIsAskedFor) {
  const PaintedPairs pairs(1);
  EXPECT_FALSE(caption_of(pairs[0]).change_feature);
  const auto change = caption_of(pairs[0], {.change_feature = true}).change_feature;
  ASSERT_TRUE(change);
  EXPECT_EQ(change->values.size(), static_cast<size_t>(change->grid * change->grid * change->width));
}

TEST(Captioner, ThreadsThatCallAtOnceGetTheSameCaptions) {
  const PaintedPairs pairs(2);
  const auto expected = tiny_captioner().caption(pairs.views());
  std::vector<std::vector<Caption>> found(4);
  {
    std::vector<std::jthread> threads;
    for (auto& captions : found) {
      threads.emplace_back([&] { captions = tiny_captioner().caption(pairs.views()); });
    }
  }
  for (const auto& captions : found) {
    ASSERT_EQ(captions.size(), expected.size());
    for (size_t i = 0; i < captions.size(); ++i) {
      EXPECT_EQ(captions[i].token_ids, expected[i].token_ids);
      EXPECT_NEAR(captions[i].logprob, expected[i].logprob, 1e-4);
    }
  }
}

TEST(Captioner, AQuestionOfOnesOwnIsAskedWithBothImages) {
  const PaintedPairs pairs(1);
  const auto reference = caption_of(pairs[0]);
  const auto same = caption_of(pairs[0], {.question = "This is the Image1 <image>. This is the second Image2 "
                                                      "<image>.\nWhat difference happened from Image1 to "
                                                      "Image2?"});
  EXPECT_EQ(same.token_ids, reference.token_ids);
  EXPECT_DOUBLE_EQ(same.logprob, reference.logprob);
  const auto without = caption_of(pairs[0], {.question = "What has changed?"});
  const auto spelled = caption_of(pairs[0], {.question = "<image>\n<image>\nWhat has changed?"});
  EXPECT_EQ(without.token_ids, spelled.token_ids);
  EXPECT_DOUBLE_EQ(without.logprob, spelled.logprob);
  EXPECT_NE(without.logprob, reference.logprob) << "another question";
}

TEST(Captioner, RefusesWhatItCannotCaption) {
  const PaintedPairs pairs(1);
  EXPECT_EQ(error_of([&] { caption_of(pairs[0], {.question = "What is in <image>?"}); }),
            "question: expected <image> twice, <image1> and then <image2>, or no image mark, got <image>");
  EXPECT_EQ(error_of([&] { caption_of(pairs[0], {.question = "a<|im_end|>b"}); }),
            "question: expected plain text, got the chat markup <|im_end|>");
  const auto ignore = [](const TokenEvent&) { return true; };
  EXPECT_EQ(error_of([&] { caption_of(pairs[0], {.generation = {.beams = 2}, .on_token = ignore}); }),
            "on_token: expected no beam search, got 2 beams");
  EXPECT_EQ(error_of([&] { caption_of(pairs[0], {.generation = {.max_new_tokens = 0}}); }),
            "max_new_tokens: expected 1 to 100000, got 0");
  EXPECT_EQ(error_of([&] { tiny_captioner().caption(pairs[0].before, image::ImageView{}); }),
            "preprocess: expected an image with pixels and a stride of at least 3 * width, got 0 x 0 pixels, "
            "stride 0, no data");
}

TEST(Captioner, RowsMayHaveGapsBetweenThem) {
  const auto packed = test::painted(3, 50, 40), after = test::painted(4);
  const int64_t stride = 3 * packed.width + 17;
  std::vector<uint8_t> bytes(static_cast<size_t>(packed.height * stride), 255);
  for (int64_t y = 0; y < packed.height; ++y) {
    std::copy_n(packed.pixels.begin() + y * 3 * packed.width, 3 * packed.width, bytes.begin() + y * stride);
  }
  const auto expected = caption_of({packed.view(), after.view()});
  const auto found = caption_of({{bytes.data(), packed.height, packed.width, stride}, after.view()});
  EXPECT_EQ(found.token_ids, expected.token_ids);
  EXPECT_DOUBLE_EQ(found.logprob, expected.logprob);
}

}  // namespace
}  // namespace ccexpert::generate

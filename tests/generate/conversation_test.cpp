// Several questions about a pair: its images and the common start of the prompts are computed once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/generate/conversation.h>

#include "generate/shared_prefix.h"
#include "generate/tiny_captioner.h"
#include "support/errors.h"

namespace ccexpert::generate {
namespace {

using test::error_of;
using test::PaintedPairs;
using test::tiny_captioner;
using ::testing::IsEmpty;

const std::vector<std::string> kQuestions{
    "This is the Image1 <image>. This is the second Image2 <image>.\nDid a road change?",
    "This is the Image1 <image>. This is the second Image2 <image>.\nDid a house change, or a tree, or "
    "something else in the north of the place?",
    "Compare <image> with <image>.",
    "This is the Image1 <image>. This is the second Image2 <image>.\nDid a road change?",
    "",
};

void expect_equal(const Caption& found, const Caption& expected) {
  EXPECT_EQ(found.token_ids, expected.token_ids);
  EXPECT_EQ(found.text, expected.text);
  EXPECT_NEAR(found.logprob, expected.logprob, 1e-4);
  EXPECT_EQ(found.finish, expected.finish);
}

void expect_equal_turns(const std::vector<ImagePair>& pairs, const CaptionOptions& generation) {
  auto conversation = tiny_captioner().converse(pairs);
  for (const auto& question : kQuestions) {
    SCOPED_TRACE(question);
    auto options = generation;
    options.question = question;
    const auto found = conversation.ask(options);
    const auto expected = tiny_captioner().caption(pairs, options);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) expect_equal(found[i], expected[i]);
  }
}

TEST(Conversation, EveryTurnIsTheCaptionOfAQuestionAlone) {
  expect_equal_turns(PaintedPairs(1).views(), {.generation = {.max_new_tokens = 12}});
}

TEST(Conversation, TurnsAboutABatchOfPairs) {
  expect_equal_turns(PaintedPairs(3).views(), {.generation = {.max_new_tokens = 12}});
}

TEST(Conversation, PairsMayHaveQuestionsOfTheirOwn) {
  const PaintedPairs painted(3);
  auto pairs = painted.views();
  pairs[1].question = "Look at <image> and then at <image>. Which houses or trees came, and which went?";
  expect_equal_turns(pairs, {.generation = {.max_new_tokens = 12}});
}

TEST(Conversation, TurnsByBeamSearchAndBySamples) {
  const PaintedPairs pairs(2);
  expect_equal_turns(pairs.views(), {.generation = {.max_new_tokens = 8, .beams = 3}});
  expect_equal_turns(pairs.views(), {.generation = {.max_new_tokens = 8, .temperature = 1.5, .seed = 4}});
}

TEST(Conversation, ALongerAnswerNeedsMoreMemoryThanTheFirst) {
  const PaintedPairs pairs(1);
  auto conversation = tiny_captioner().converse(pairs.views());
  for (const int64_t length : {2, 40, 5}) {
    const CaptionOptions options{.generation = {.max_new_tokens = length, .stop_ids = {1}}};
    expect_equal(conversation.ask(options).front(), tiny_captioner().caption(pairs.views(), options).front());
  }
}

TEST(Conversation, AQuestionAskedAgainCostsOneTokenAndNoEncode) {
  const auto captioner = Captioner::load(test::tiny_folder(), {.device = "cpu", .feature_cache = 0});
  const PaintedPairs pairs(2);
  auto conversation = captioner.converse(pairs.views());
  const auto first = conversation.ask();
  const auto before = captioner.timings();
  EXPECT_EQ(before.encoded_images, 4);
  EXPECT_EQ(before.reused_tokens, 0);
  const auto again = conversation.ask();
  const auto after = captioner.timings();
  for (size_t i = 0; i < first.size(); ++i) expect_equal(again[i], first[i]);
  EXPECT_EQ(after.encoded_images, 4);
  EXPECT_EQ(after.diff_expert, before.diff_expert);
  EXPECT_EQ(after.prompt_tokens, 2 * before.prompt_tokens);
  EXPECT_EQ(after.reused_tokens, before.prompt_tokens - 2);
}

TEST(Conversation, OutlivesThePixelsAndAMoveOfItsCaptioner) {
  auto captioner = Captioner::load(test::tiny_folder(), {.device = "cpu"});
  auto pairs = std::make_unique<PaintedPairs>(1);
  const auto expected = captioner.caption(pairs->views()).front();
  auto conversation = captioner.converse(pairs->views());
  pairs.reset();
  const auto moved = std::move(captioner);
  expect_equal(conversation.ask().front(), expected);
}

TEST(Conversation, AStoppedTurnLeavesTheNextOneWhole) {
  const PaintedPairs pairs(1);
  auto conversation = tiny_captioner().converse(pairs.views());
  std::stop_source source;
  source.request_stop();
  EXPECT_EQ(conversation.ask({.stop = source.get_token()}).front().finish, FinishReason::kCancelled);
  size_t tokens = 0;
  const auto cut = conversation.ask({.on_token = [&](const TokenEvent&) { return ++tokens < 3; }});
  EXPECT_EQ(cut.front().finish, FinishReason::kCancelled);
  expect_equal(conversation.ask().front(), tiny_captioner().caption(pairs.views()).front());
}

TEST(Conversation, ErrorsAreThoseOfACaption) {
  const PaintedPairs pairs(1);
  auto conversation = tiny_captioner().converse(pairs.views());
  EXPECT_EQ(error_of([&] { conversation.ask({.question = "What is in <image>?"}); }),
            "question: expected <image> twice, <image1> and then <image2>, or no image mark, got <image>");
  EXPECT_THROW(
      conversation.ask({.on_token = [](const TokenEvent&) -> bool { throw std::out_of_range("mine"); }}),
      std::out_of_range);
  expect_equal(conversation.ask().front(), tiny_captioner().caption(pairs.views()).front());
  EXPECT_THAT(tiny_captioner().converse({}).ask(), IsEmpty());
}

TEST(SharedPrefix, CountsPositionsAndLeavesOne) {
  EXPECT_EQ(shared_prefix({{1, 2, -1, 3, 4}}, {{1, 2, -1, 3, 5}}, 10), 13);
  EXPECT_EQ(shared_prefix({{1, 2, -1, 3}}, {{1, 2, -1, 3}}, 10), 12);
  EXPECT_EQ(shared_prefix({{1, 2, -1, 3, 4}}, {{1, 2, -1}}, 10), 11);
  EXPECT_EQ(shared_prefix({{1, 2}}, {{2, 1}}, 10), 0);
  EXPECT_EQ(shared_prefix({{1, 2, 3}, {1, 2, 3}}, {{1, 2, 4}, {1, 5, 6}}, 10), 1);
  EXPECT_EQ(shared_prefix({{1}}, {{1}, {1}}, 10), 0);
}

}  // namespace
}  // namespace ccexpert::generate

// Drafts by n-grams, and captions with them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/generate/conversation.h>

#include "generate/ngram_drafter.h"
#include "generate/tiny_captioner.h"
#include "support/errors.h"

namespace ccexpert::generate {
namespace {

using test::error_of;
using test::PaintedPairs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kEnd = 9;

TEST(NgramDrafter, ADraftIsTheLikelyRestOfACaption) {
  NgramDrafter drafter;
  for (const auto& caption :
       std::vector<std::vector<int64_t>>{{1, 2, 3, kEnd}, {1, 2, 4, kEnd}, {1, 2, 4, kEnd}, {5, 3, 3, kEnd}})
    drafter.learn(caption);
  EXPECT_THAT(drafter.draft(std::vector<int64_t>{}, 10), ElementsAre(1, 2, 4, kEnd));
  EXPECT_THAT(drafter.draft(std::vector<int64_t>{1}, 2), ElementsAre(2, 4));
  EXPECT_THAT(drafter.draft(std::vector<int64_t>{5, 3}, 10), ElementsAre(3, kEnd));
  EXPECT_THAT(drafter.draft(std::vector<int64_t>{1, 2}, 0), IsEmpty());
}

TEST(NgramDrafter, AnUnknownStartIsContinuedByItsLastTokens) {
  NgramDrafter drafter;
  drafter.learn(std::vector<int64_t>{1, 2, 3, 4, kEnd});
  EXPECT_THAT(drafter.draft(std::vector<int64_t>{7, 7, 2, 3}, 10), ElementsAre(4, kEnd));
  EXPECT_THAT(drafter.draft(std::vector<int64_t>{7, 7, 7, 3}, 10), ElementsAre(4, kEnd));
  EXPECT_THAT(drafter.draft(std::vector<int64_t>{3, 7}, 10), IsEmpty());
}

TEST(NgramDrafter, NothingIsDraftedWhereFollowersDiffer) {
  NgramDrafter drafter;
  EXPECT_THAT(drafter.draft(std::vector<int64_t>{}, 10), IsEmpty());
  for (const int64_t next : {2, 3, 4}) drafter.learn(std::vector<int64_t>{1, next, kEnd});
  EXPECT_THAT(drafter.draft(std::vector<int64_t>{}, 10), ElementsAre(1));
}

class Drafts : public ::testing::Test {
 protected:
  static Captioner captioner() { return Captioner::load(test::tiny_folder(), {.device = "cpu"}); }

  void expect_same(const std::vector<Caption>& found, const std::vector<Caption>& expected) {
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].token_ids, expected[i].token_ids);
      EXPECT_EQ(found[i].text, expected[i].text);
      EXPECT_NEAR(found[i].logprob, expected[i].logprob, 1e-4);
      EXPECT_EQ(found[i].finish, expected[i].finish);
    }
  }

  PaintedPairs pairs_{12};
  CaptionOptions plain_{.generation = {.max_new_tokens = 24}};
  CaptionOptions drafted_{.generation = {.max_new_tokens = 24}, .draft_tokens = 6};
};

TEST_F(Drafts, CaptionsAreThoseOfGreedyDecoding) {
  const auto model = captioner();
  const auto expected = model.caption(pairs_.views(), plain_);
  for (int round = 0; round < 2; ++round) {  // the second one has learned all captions
    for (size_t i = 0; i < pairs_.size(); ++i) {
      const auto found = model.caption(std::span(&pairs_.views()[i], 1), drafted_);
      expect_same(found, {expected[i]});
    }
  }
  expect_same(model.caption(pairs_.views(), drafted_), expected);
  EXPECT_GT(model.timings().drafted_tokens, 0);
}

TEST_F(Drafts, PenaltyShortestLengthAndConversationStayTheSame) {
  const auto model = captioner();
  for (auto* options : {&plain_, &drafted_}) {
    options->generation.repetition_penalty = 1.3;
    options->generation.min_new_tokens = 5;
  }
  const auto expected = model.caption(pairs_.views(), plain_);
  auto conversation = model.converse(pairs_.views());
  for (int turn = 0; turn < 3; ++turn) expect_same(conversation.ask(drafted_), expected);
}

TEST_F(Drafts, ALearnedCaptionNeedsFewPasses) {
  const auto model = captioner();
  const auto caption = model.caption(std::span(&pairs_.views()[0], 1), plain_).front();
  const auto before = model.timings().drafted_tokens;
  const std::vector<std::string> learned{caption.text};
  model.learn_drafts(learned);
  expect_same(model.caption(std::span(&pairs_.views()[0], 1), drafted_), {caption});
  const auto tokens = static_cast<int64_t>(caption.token_ids.size());
  EXPECT_GE(model.timings().drafted_tokens - before, (tokens - 1) / 2);
}

TEST_F(Drafts, TokenEventsAndStopsAreThoseOfGreedyDecoding) {
  const auto model = captioner();
  const auto whole = model.caption(std::span(&pairs_.views()[0], 1), drafted_).front();
  std::vector<int64_t> ids;
  drafted_.on_token = [&](const TokenEvent& event) {
    ids.push_back(event.token_id);
    return ids.size() < 3;
  };
  const auto cut = model.caption(std::span(&pairs_.views()[0], 1), drafted_).front();
  EXPECT_EQ(cut.finish, FinishReason::kCancelled);
  EXPECT_EQ(cut.token_ids, ids);
  EXPECT_TRUE(std::equal(ids.begin(), ids.end(), whole.token_ids.begin()));
}

TEST_F(Drafts, OthersThanGreedyDecodingAreRefused) {
  const auto error = [&](const CaptionOptions& options) {
    return error_of([&] { test::tiny_captioner().caption(pairs_.views(), options); });
  };
  EXPECT_EQ(error({.generation = {.beams = 2}, .draft_tokens = 4}),
            "draft_tokens: expected 0 without greedy decoding, got 4");
  EXPECT_EQ(error({.generation = {.temperature = 1.0}, .draft_tokens = 4}),
            "draft_tokens: expected 0 without greedy decoding, got 4");
  EXPECT_EQ(error({.draft_tokens = 65}), "draft_tokens: expected 0 to 64, got 65");
  EXPECT_EQ(error({.draft_tokens = -1}), "draft_tokens: expected 0 to 64, got -1");
}

}  // namespace
}  // namespace ccexpert::generate

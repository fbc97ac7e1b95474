// Requests of many clients as rows of one batch.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "generate/service_fixture.h"
#include "support/errors.h"

namespace ccexpert::generate {
namespace {

using test::Door;
using test::error_of;
using test::Outcome;

TEST_F(CaptionServiceTest, ARequestAloneIsACaption) {
  start();
  const Outcome outcome;
  ask(outcome, request(0));
  expect_equal(outcome.caption(), alone(0));
  EXPECT_EQ(outcome.ids(), outcome.caption().token_ids);
  EXPECT_GT(outcome.caption().prompt_tokens, 72) << "those of both images";
  EXPECT_GE(outcome.caption().queue_seconds, 0.0);
  EXPECT_GT(outcome.caption().compute_seconds, 0.0);
}

TEST_F(CaptionServiceTest, ACaptionDoesNotDependOnThoseThatJoinBeforeInTheMiddleAndAfter) {
  start({.rows = 8, .joining = 2});
  std::vector<Outcome> outcomes(pairs_.size());
  const Door door;
  const Outcome first;
  hold(first, door);
  // One more after each token of the first: rows of all ages and lengths are in the batch.
  for (size_t i = 1; i < 3; ++i) ask(outcomes[i], request(i, {.max_new_tokens = 25, .stop_ids = {1}}));
  door.open();
  outcomes[2].wait_for_tokens(5);
  for (size_t i = 3; i < pairs_.size(); ++i) {
    auto asked = request(i, {.max_new_tokens = 9, .stop_ids = {1}});
    asked.question = i == 4 ? "Did a road change, or a house, or anything in the north?" : "";
    ask(outcomes[i], std::move(asked));
    outcomes[i].wait_for_tokens(2);
  }
  expect_equal(first.caption(), alone(0, {.generation = kLong}));
  for (size_t i = 1; i < pairs_.size(); ++i) {
    SCOPED_TRACE(i);
    CaptionOptions options{.generation = {.max_new_tokens = i < 3 ? 25 : 9, .stop_ids = {1}}};
    if (i == 4) options.question = "Did a road change, or a house, or anything in the north?";
    expect_equal(outcomes[i].caption(), alone(i, options));
  }
  const auto counters = service_->counters();
  EXPECT_EQ(counters.done, 6);
  EXPECT_GT(counters.step_rows, counters.steps) << "rows shared passes";
}

TEST_F(CaptionServiceTest, RequestsWithSettingsOfTheirOwnShareABatch) {
  start({.rows = 8, .joining = 8});
  const std::vector<GenerationOptions> settings{
      {.max_new_tokens = 12},
      {.max_new_tokens = 16, .temperature = 2.0, .seed = 5},
      {.max_new_tokens = 16, .temperature = 2.0, .top_p = 0.9, .top_k = 40, .seed = 6},
      {.max_new_tokens = 12, .repetition_penalty = 1.6},
      {.max_new_tokens = 14, .min_new_tokens = 14},
      {.max_new_tokens = 1}};
  std::vector<Outcome> outcomes(settings.size());
  const Door door;
  const Outcome first;
  hold(first, door);
  for (size_t i = 0; i < settings.size(); ++i) ask(outcomes[i], request(i, settings[i]));
  door.open();
  for (size_t i = 0; i < settings.size(); ++i) {
    SCOPED_TRACE(i);
    expect_equal(outcomes[i].caption(), alone(i, {.generation = settings[i]}), 2e-4);
  }
}

TEST_F(CaptionServiceTest, Int8RowsDoNotMix) {
  start({.joining = 8}, {.device = "cpu", .dtype = Precision::kInt8});
  std::vector<Outcome> outcomes(pairs_.size());
  const auto& captioner = service_->captioner();
  for (size_t i = 0; i < pairs_.size(); ++i) ask(outcomes[i], request(i));
  for (size_t i = 0; i < pairs_.size(); ++i) {
    SCOPED_TRACE(i);
    const CaptionOptions options{.generation = {.max_new_tokens = 12}};
    expect_equal(outcomes[i].caption(), captioner.caption(pairs_[i].before, pairs_[i].after, options), 1e-2);
  }
}

TEST_F(CaptionServiceTest, PlacesWordsAndChangeFeaturesAreThoseOfACaption) {
  start({.joining = 3});
  std::vector<Outcome> outcomes(3);
  for (size_t i = 0; i < outcomes.size(); ++i) {
    auto asked = request(i);
    asked.locate = asked.words = true;
    asked.change_feature = i == 1;
    asked.keep_tokens = i == 2 ? 0.5 : 1.0;
    ask(outcomes[i], std::move(asked));
  }
  for (size_t i = 0; i < outcomes.size(); ++i) {
    SCOPED_TRACE(i);
    const auto found = outcomes[i].caption();
    const auto expected = alone(i, {.generation = {.max_new_tokens = 12},
                                    .keep_tokens = i == 2 ? 0.5 : 1.0,
                                    .change_feature = i == 1,
                                    .locate = true,
                                    .words = true});
    expect_equal(found, expected);
    EXPECT_NEAR(found.change.value().score, expected.change.value().score, 1e-5);
    EXPECT_EQ(found.change_feature.has_value(), i == 1);
    ASSERT_EQ(found.words.size(), expected.words.size());
    ASSERT_FALSE(found.words.empty());
    for (size_t word = 0; word < found.words.size(); ++word) {
      EXPECT_EQ(found.words[word].word, expected.words[word].word);
      EXPECT_THAT(found.words[word].map.values,
                  ::testing::Pointwise(::testing::FloatNear(1e-3F), expected.words[word].map.values));
    }
  }
}

TEST_F(CaptionServiceTest, TokensOfARequestComeInOrderBeforeItsEnd) {
  start({.joining = 6});
  std::vector<Outcome> outcomes(pairs_.size());
  for (size_t i = 0; i < pairs_.size(); ++i) {
    ask(outcomes[i], request(i), [outcome = outcomes[i]](const TokenEvent& event) {
      EXPECT_EQ(event.pair, 0u);
      EXPECT_EQ(outcome.ends(), 0);
      return true;
    });
  }
  for (const auto& outcome : outcomes) {
    const auto caption = outcome.caption();
    EXPECT_EQ(outcome.ids(), caption.token_ids);
    EXPECT_NE(outcome.text().find(caption.text), std::string::npos);
    EXPECT_EQ(outcome.ends(), 1);
  }
}

TEST_F(CaptionServiceTest, ATokenEventCanEndItsRequest) {
  start({.joining = 3});
  const Outcome refused, thrown, third;
  ask(refused, request(0, kLong), [&](const TokenEvent&) { return refused.ids().size() < 3; });
  ask(thrown, request(1, kLong), [](const TokenEvent&) -> bool { throw std::runtime_error("mine"); });
  ask(third, request(2));
  EXPECT_EQ(refused.caption().finish, FinishReason::kCancelled);
  EXPECT_THAT(refused.caption().token_ids, ::testing::SizeIs(3));
  EXPECT_EQ(thrown.caption().finish, FinishReason::kCancelled);
  expect_equal(third.caption(), alone(2));
}

TEST_F(CaptionServiceTest, EventsMayCallTheService) {
  start();
  const Outcome first, second;
  CaptionService::Ticket ticket;
  const Door door;
  ask(first, request(0, kLong), [&, enter = door.entry()](const TokenEvent&) {
    enter();
    if (first.ids().size() == 1) ask(second, request(1));
    if (first.ids().size() == 5) ticket.cancel();
    return service_->counters().running > 0;
  });
  door.wait_for_guest();
  ticket = ask({}, request(2));
  door.open();
  expect_equal(second.caption(), alone(1));
  expect_equal(first.caption(), alone(0, {.generation = kLong}));
}

TEST_F(CaptionServiceTest, WrongRequestsAreRefusedAtOnce) {
  start({.tokens = 120});
  const auto refusal = [&](const CaptionRequest& asked) { return error_of([&] { ask({}, asked); }); };
  EXPECT_EQ(refusal({}), "pair: expected a prepared pair, got none");
  auto asked = request(0);
  asked.question = "What is in <image>?";
  EXPECT_EQ(refusal(asked),
            "question: expected <image> twice, <image1> and then <image2>, or no image mark, got <image>");
  asked.question = "";
  asked.past = {{"What?", "A road."}};
  EXPECT_EQ(refusal(asked), "question: expected a text after the first turn, got none");
  EXPECT_THAT(
      refusal(request(0, {.max_new_tokens = 100})),
      ::testing::MatchesRegex("tokens of prompt and caption: expected at most 120, got [0-9]+ and 100"));
  EXPECT_THAT(refusal(request(0, {.beams = 2, .temperature = 1.0})), ::testing::HasSubstr("beams"));
  asked = request(0);
  asked.keep_tokens = 0.0;
  EXPECT_EQ(refusal(asked), "keep_tokens: expected above 0 and at most 1, got 0");
  EXPECT_NE(error_of([&] { service_->prepare({}, {}); }), "no error");
  EXPECT_EQ(service_->counters().accepted, 0);
}

TEST_F(CaptionServiceTest, LimitsHaveRanges) {
  EXPECT_EQ(error_of([&] { start({.rows = 0}); }), "rows: expected 1 to 1024, got 0");
}

}  // namespace
}  // namespace ccexpert::generate

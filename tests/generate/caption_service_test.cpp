// Requests of many clients as rows of one batch.
#include "generate/shared/caption_service.h"

#include <algorithm>
#include <ctime>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "generate/prepared_pair.h"
#include "generate/service_requests.h"
#include "support/errors.h"

namespace ccexpert::generate {
namespace {

using namespace std::chrono_literals;
using test::Door;
using test::error_of;
using test::Outcome;
using test::PaintedPairs;
using test::tiny_captioner;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A service of the small model. Requests about a pair have its index.
class CaptionServiceTest : public ::testing::Test {
 protected:
  CaptionService& start(const ServiceLimits& limits = {}, const CaptionerConfig& config = {.device = "cpu"}) {
    service_ = std::make_unique<CaptionService>(Captioner::load(test::tiny_folder(), config), limits);
    return *service_;
  }
  CaptionRequest request(size_t pair, GenerationOptions generation = {.max_new_tokens = 12}) const {
    return {.pair = service_->prepare(pairs_[pair].before, pairs_[pair].after),
            .generation = std::move(generation)};
  }
  CaptionService::Ticket ask(const Outcome& outcome, CaptionRequest request,
                             std::function<bool(const TokenEvent&)> on_token = {}) const {
    return service_->submit(std::move(request), outcome.events(std::move(on_token)));
  }
  /// Starts a long caption that holds the worker at its first token.
  CaptionService::Ticket hold(const Outcome& outcome, const Door& door) const {
    auto ticket = ask(outcome, request(0, kLong), [enter = door.entry()](const TokenEvent&) {
      enter();
      return true;
    });
    door.wait_for_guest();
    return ticket;
  }
  Caption alone(size_t pair, const CaptionOptions& options = {.generation = {.max_new_tokens = 12}}) const {
    return tiny_captioner().caption(pairs_[pair].before, pairs_[pair].after, options);
  }

  inline static const GenerationOptions kLong{.max_new_tokens = 40, .stop_ids = {1}};
  const PaintedPairs pairs_{6};
  std::unique_ptr<CaptionService> service_;
};

void expect_equal(const Caption& found, const Caption& expected, double tolerance = 1e-4) {
  EXPECT_EQ(found.token_ids, expected.token_ids);
  EXPECT_EQ(found.text, expected.text);
  EXPECT_NEAR(found.logprob, expected.logprob, tolerance);
  EXPECT_EQ(found.finish, expected.finish);
}

TEST_F(CaptionServiceTest, ARequestAloneIsACaption) {
  start();
  const Outcome outcome;
  ask(outcome, request(0));
  expect_equal(outcome.caption(), alone(0));
  EXPECT_EQ(outcome.ids(), outcome.caption().token_ids);
  EXPECT_GT(outcome.caption().prompt_tokens, 72) << "those of both images";
  EXPECT_LE(outcome.caption().queue_seconds, outcome.caption().seconds);
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

TEST_F(CaptionServiceTest, BeamsAndSamplesOfOneRequestAreThoseOfACaption) {
  start();
  const GenerationOptions beams{.max_new_tokens = 8, .beams = 3}, risk{.max_new_tokens = 8, .mbr = 4};
  const CaptionUtility utility = [](const std::string& a, const std::string& b) {
    return static_cast<double>(std::min(a.size(), b.size()));
  };
  const Outcome searched, chosen, greedy;
  ask(greedy, request(2));
  ask(searched, request(0, beams));
  auto asked = request(1, risk);
  asked.utility = utility;
  ask(chosen, std::move(asked));
  expect_equal(searched.caption(), alone(0, {.generation = beams}));
  expect_equal(chosen.caption(), alone(1, {.generation = risk, .utility = utility}));
  expect_equal(greedy.caption(), alone(2));
  EXPECT_THAT(searched.ids(), IsEmpty()) << "no token events";
}

TEST_F(CaptionServiceTest, SearchesHoldUpNoRow) {
  start({.rows = 2, .joining = 4});
  const GenerationOptions beams{.max_new_tokens = 30, .beams = 2, .stop_ids = {1}};
  const Door door;
  const Outcome row, later;
  std::vector<Outcome> searches(3);
  const auto ended = [&] { return std::ranges::count(searches, 1, &Outcome::ends); };
  std::ptrdiff_t ended_at_fourth = -1, ended_at_last = -1;
  ask(row, request(0, kLong), [&, enter = door.entry()](const TokenEvent&) {
    enter();
    if (row.ids().size() == 40) ended_at_last = ended();
    if (row.ids().size() == 5)
      ask(later, request(4, {.max_new_tokens = 4, .stop_ids = {1}}), [&](const TokenEvent&) {
        ended_at_fourth = ended();
        return true;
      });
    return true;
  });
  door.wait_for_guest();
  for (size_t i = 0; i < searches.size(); ++i) ask(searches[i], request(i + 1, beams));
  door.open();
  expect_equal(row.caption(), alone(0, {.generation = kLong}));
  expect_equal(later.caption(), alone(4, {.generation = {.max_new_tokens = 4, .stop_ids = {1}}}));
  for (size_t i = 0; i < searches.size(); ++i)
    expect_equal(searches[i].caption(), alone(i + 1, {.generation = beams}));
  EXPECT_EQ(ended_at_fourth, 0) << "a row joins while a search is computed";
  EXPECT_EQ(ended_at_last, 1) << "40 tokens are as many steps of searches of 30";
}

TEST_F(CaptionServiceTest, RowsAboutThePairOfASearchLeaveItAlone) {
  start({.pair_cache = int64_t{1} << 30});
  const CaptionOptions options{.generation = {.max_new_tokens = 20, .beams = 2, .stop_ids = {1}},
                               .words = true};
  const Outcome row, same, searched, before;
  ask(before, request(1));
  before.wait();
  const Door door;
  ask(row, request(0, kLong), [&, enter = door.entry()](const TokenEvent&) {
    enter();
    if (row.ids().size() == 5) {
      auto asked = request(1, {.max_new_tokens = 12});
      asked.question = "Did a road change?";
      ask(same, std::move(asked));
    }
    return true;
  });
  door.wait_for_guest();
  auto asked = request(1, options.generation);
  asked.words = true;
  ask(searched, std::move(asked));
  door.open();
  const Caption found = searched.caption(), expected = alone(1, options);
  expect_equal(found, expected);
  ASSERT_EQ(found.words.size(), expected.words.size());
  for (size_t word = 0; word < found.words.size(); ++word)
    EXPECT_THAT(found.words[word].map.values,
                ::testing::Pointwise(::testing::FloatNear(1e-3F), expected.words[word].map.values));
  expect_equal(same.caption(),
               alone(1, {.generation = {.max_new_tokens = 12}, .question = "Did a road change?"}));
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

TEST_F(CaptionServiceTest, FurtherTurnsAboutAPairEncodeItOnce) {
  start({}, {.device = "cpu", .feature_cache = 0});
  const Outcome first, second, third;
  ask(first, request(0));
  const auto answer = first.caption().text;
  auto asked = request(0);
  asked.past = {{service_->captioner().question(), "a house"}};
  asked.question = "Did a road change?";
  ask(second, asked);
  second.wait();
  const auto timings = service_->captioner().timings();
  EXPECT_EQ(timings.encoded_images, 2);
  EXPECT_GT(timings.reused_tokens, 72) << "those of both images";
  start({.pair_cache = 0}, {.device = "cpu", .feature_cache = 0});
  asked.pair = request(0).pair;
  ask(third, asked);
  expect_equal(second.caption(), third.caption());
  EXPECT_EQ(service_->captioner().timings().reused_tokens, 0);
  EXPECT_EQ(service_->counters().pair_bytes, 0);
}

TEST_F(CaptionServiceTest, EqualPairsShareAHandle) {
  start();
  const auto first = request(0).pair;
  EXPECT_EQ(request(0).pair, first);
  EXPECT_NE(request(1).pair, first);
}

/// Memory that a pair keeps, counted here.
int64_t kept_bytes(const PairHandle& pair) {
  if (!pair->images) return 0;
  int64_t bytes = 0;
  const auto& images = *pair->images;
  const auto& seen = pair->kept.images;
  for (const auto& tensor : {pair->pixels, images.images.tokens, images.images.change,
                             images.images.scale_weights, images.features, seen.tokens, seen.patches})
    bytes += tensor.defined() ? static_cast<int64_t>(tensor.nbytes()) : 0;
  for (int64_t layer = 0; layer < pair->kept.cache.value().layers(); ++layer) {
    const auto held = pair->kept.cache->held(layer);
    bytes += static_cast<int64_t>(held.keys.nbytes() + held.values.nbytes());
  }
  return bytes;
}

TEST_F(CaptionServiceTest, PairsBeyondTheMemoryAreForgotten) {
  start();
  const auto answered = [&](size_t index) {
    const Outcome outcome;
    auto asked = request(index);
    const auto pair = asked.pair;
    ask(outcome, std::move(asked));
    expect_equal(outcome.caption(), alone(index));
    return pair;
  };
  const auto one = kept_bytes(answered(0));
  EXPECT_EQ(service_->counters().pair_bytes, one) << "pixels are kept too";
  start({.pair_cache = 2 * one + one / 2});
  std::vector<PairHandle> pairs;
  for (size_t i = 0; i < pairs_.size(); ++i) {
    pairs.push_back(answered(i));
    int64_t kept = 0;
    for (const auto& pair : pairs) kept += kept_bytes(pair);
    EXPECT_EQ(service_->counters().pair_bytes, kept);
    EXPECT_EQ(kept, std::min<int64_t>(std::ssize(pairs), 2) * one) << "the last two";
  }
  EXPECT_FALSE(pairs[0]->images || pairs[0]->kept.cache);
  EXPECT_TRUE(pairs.back()->images);
  EXPECT_EQ(answered(0), pairs[0]);
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

TEST_F(CaptionServiceTest, AFullQueueRefusesAndWorksOn) {
  start({.rows = 1, .queued = 2, .queued_of_client = 1});
  const Door door;
  const Outcome first, second, third;
  hold(first, door);
  ask(second, request(1));
  try {
    ask(third, request(2));
    FAIL() << "expected a ServiceError";
  } catch (const ServiceError& error) {
    EXPECT_EQ(error.failure(), ServiceFailure::kFull);
    EXPECT_EQ(error.kind(), ErrorKind::kResource);
    EXPECT_STREQ(error.what(),
                 "queue: expected fewer than 1 waiting requests of this client, got 1 (try again later)");
  }
  auto other = request(2);
  other.client = "another";
  ask(third, other);
  other.client = "a third";
  EXPECT_EQ(error_of([&] { ask({}, other); }),
            "queue: expected fewer than 2 waiting requests, got 2 (try again later)");
  EXPECT_EQ(service_->counters().queued, 2);
  EXPECT_EQ(service_->counters().running, 1);
  door.open();
  expect_equal(second.caption(), alone(1));
  expect_equal(third.caption(), alone(2));
  EXPECT_EQ(service_->counters().refused, 2);
}

TEST_F(CaptionServiceTest, SearchesWaitInTheSameQueue) {
  start({.rows = 1, .queued = 2, .queued_of_client = 2});
  const GenerationOptions beams{.max_new_tokens = 4, .beams = 2};
  const Door door;
  const Outcome first, searched, row;
  hold(first, door);
  const auto ticket = ask(searched, request(1, beams));
  ask(row, request(2));
  EXPECT_EQ(service_->counters().queued, 2);
  EXPECT_EQ(error_of([&] { ask({}, request(3, beams)); }),
            "queue: expected fewer than 2 waiting requests, got 2 (try again later)");
  ticket.cancel();
  EXPECT_EQ(service_->counters().queued, 1);
  door.open();
  EXPECT_EQ(searched.caption().finish, FinishReason::kCancelled);
  EXPECT_THAT(searched.caption().token_ids, IsEmpty());
  expect_equal(row.caption(), alone(2));
}

TEST_F(CaptionServiceTest, ClientsTakeTurns) {
  start({.rows = 1, .joining = 1});
  const Door door;
  const Outcome first;
  hold(first, door);
  std::mutex mutex;
  std::vector<std::string> order;
  std::vector<Outcome> outcomes(6);
  const std::vector<std::string> clients{"a", "a", "a", "b", "b", "c"};
  for (size_t i = 0; i < clients.size(); ++i) {
    auto asked = request(i, {.max_new_tokens = 1});
    asked.client = clients[i];
    ask(outcomes[i], asked, [&, client = clients[i]](const TokenEvent&) {
      const std::scoped_lock lock(mutex);
      order.push_back(client);
      return true;
    });
  }
  door.open();
  for (const auto& outcome : outcomes) outcome.wait();
  EXPECT_THAT(order, ElementsAre("a", "b", "c", "a", "b", "a"));
}

TEST_F(CaptionServiceTest, ACancelledRequestLeavesTheOthersAlone) {
  start({.joining = 3});
  const Door door;
  const Outcome first, second, waiting;
  const auto ticket = hold(first, door);
  ask(second, request(1));
  const auto late = ask(waiting, request(2));
  late.cancel();
  ticket.cancel();
  ticket.cancel();
  door.open();
  EXPECT_EQ(first.caption().finish, FinishReason::kCancelled);
  EXPECT_THAT(first.caption().token_ids, ::testing::SizeIs(1));
  EXPECT_EQ(waiting.caption().finish, FinishReason::kCancelled);
  EXPECT_THAT(waiting.ids(), IsEmpty());
  expect_equal(second.caption(), alone(1));
  EXPECT_EQ(service_->counters().cancelled, 2);
  CaptionService::Ticket().cancel();
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

TEST_F(CaptionServiceTest, ADeadlineEndsWaitingAndRunningRequests) {
  start({.rows = 2});
  const Door door;
  const Outcome first, running, waiting, last;
  hold(first, door);
  auto asked = request(1, kLong);
  asked.deadline = std::chrono::steady_clock::now() + 100h;
  ask(last, asked);
  asked.deadline = std::chrono::steady_clock::now();
  ask(waiting, asked);
  door.open();
  const auto error = waiting.error();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->failure(), ServiceFailure::kDeadline);
  EXPECT_EQ(error->kind(), ErrorKind::kResource);
  EXPECT_STREQ(error->what(), "deadline: it passed before the caption was complete");
  auto soon = request(2, {.max_new_tokens = 4000, .stop_ids = {1}});
  soon.deadline = std::chrono::steady_clock::now() + 200ms;
  ask(running, soon);
  EXPECT_EQ(running.error().value().failure(), ServiceFailure::kDeadline);
  EXPECT_THAT(running.ids(), ::testing::Not(IsEmpty()));
  expect_equal(first.caption(), alone(0, {.generation = kLong}));
  expect_equal(last.caption(), alone(1, {.generation = kLong}));
  EXPECT_EQ(service_->counters().expired, 2);
}

TEST_F(CaptionServiceTest, AnIdleServiceUsesNoProcessorTime) {
  start();
  const Outcome outcome;
  ask(outcome, request(0));
  outcome.wait();
  std::this_thread::sleep_for(100ms);  // threads of an operator may look for more work for a while
  const auto before = std::clock();
  std::this_thread::sleep_for(300ms);
  EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 20);
}

TEST_F(CaptionServiceTest, ADeadlineEndsABeamSearch) {
  start();
  auto asked = request(0, {.max_new_tokens = 4000, .beams = 2, .stop_ids = {1}});
  asked.deadline = std::chrono::steady_clock::now() + 200ms;
  const Outcome outcome;
  ask(outcome, asked);
  EXPECT_EQ(outcome.error().value().failure(), ServiceFailure::kDeadline);
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

TEST_F(CaptionServiceTest, DrainingFinishesWhatIsAccepted) {
  start({.rows = 2});
  std::vector<Outcome> outcomes(pairs_.size());
  for (size_t i = 0; i < pairs_.size(); ++i) ask(outcomes[i], request(i));
  EXPECT_TRUE(service_->drain(10min));
  for (size_t i = 0; i < pairs_.size(); ++i) {
    EXPECT_EQ(outcomes[i].ends(), 1);
    expect_equal(outcomes[i].caption(), alone(i));
  }
  EXPECT_EQ(error_of([&] { ask({}, request(0)); }), "service: it ends, and takes no more requests");
  EXPECT_TRUE(service_->drain(0ms));
}

TEST_F(CaptionServiceTest, DrainingEndsWhatIsLeftAfterItsLimit) {
  start({.rows = 1});
  const Outcome running, waiting;
  ask(running, request(0, {.max_new_tokens = 4000, .stop_ids = {1}}));
  ask(waiting, request(1));
  running.wait_for_tokens(1);
  EXPECT_FALSE(service_->drain(1ms));
  EXPECT_EQ(running.error().value().failure(), ServiceFailure::kStopping);
  EXPECT_EQ(waiting.error().value().failure(), ServiceFailure::kStopping);
  EXPECT_EQ(service_->counters().running, 0);
}

TEST_F(CaptionServiceTest, DrainingEndsASearchAfterItsLimit) {
  start({.rows = 2});
  const Outcome row, running, waiting;
  const GenerationOptions beams{.max_new_tokens = 4000, .beams = 2, .stop_ids = {1}};
  ask(row, request(2, {.max_new_tokens = 4000, .stop_ids = {1}}));
  ask(running, request(0, beams));
  ask(waiting, request(1, beams));
  while (service_->counters().running < 2) std::this_thread::sleep_for(1ms);
  row.wait_for_tokens(row.ids().size() + 3);  // the search takes steps
  EXPECT_FALSE(service_->drain(1ms));
  for (const auto& outcome : {row, running, waiting}) {
    ASSERT_TRUE(outcome.error());
    EXPECT_EQ(outcome.error()->failure(), ServiceFailure::kStopping);
  }
}

TEST_F(CaptionServiceTest, ItsEndEndsAllRequests) {
  start({.rows = 1});
  const Outcome running, waiting;
  const auto ticket = ask(running, request(0, {.max_new_tokens = 4000, .stop_ids = {1}}));
  ask(waiting, request(1));
  running.wait_for_tokens(1);
  service_.reset();
  EXPECT_EQ(running.ends(), 1);
  EXPECT_EQ(waiting.error().value().failure(), ServiceFailure::kStopping);
  ticket.cancel();
}

}  // namespace
}  // namespace ccexpert::generate

// Queue of a service: places, turns, cancelling, deadlines, its end.
#include <ctime>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "generate/service_fixture.h"
#include "support/errors.h"

namespace ccexpert::generate {
namespace {

using namespace std::chrono_literals;
using test::Door;
using test::error_of;
using test::Outcome;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(CaptionServiceTest, APlaceIsExpectedBeforeARequestIsPrepared) {
  start({.rows = 1, .queued = 2, .queued_of_client = 1});
  const auto failure = [&](const std::string& client) {
    try {
      service_->expect_place(client);
    } catch (const ServiceError& error) {
      return std::optional(error.failure());
    }
    return std::optional<ServiceFailure>();
  };
  const Door door;
  const Outcome first, second, third;
  hold(first, door);
  EXPECT_EQ(failure(""), std::nullopt);
  ask(second, request(1));
  EXPECT_EQ(failure(""), ServiceFailure::kFull);
  EXPECT_EQ(failure("another"), std::nullopt);
  auto other = request(2);
  other.client = "another";
  ask(third, other);
  EXPECT_EQ(failure("a third one"), ServiceFailure::kFull);
  EXPECT_EQ(service_->counters().refused, 0) << "a question is no request";
  door.open();
  EXPECT_TRUE(service_->drain(1min));
  EXPECT_EQ(failure(""), ServiceFailure::kStopping);
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
  EXPECT_GT(waiting.caption().queue_seconds, 0.0);
  expect_equal(second.caption(), alone(1));
  EXPECT_EQ(service_->counters().cancelled, 2);
  CaptionService::Ticket().cancel();
}

TEST_F(CaptionServiceTest, ADeadlineEndsWaitingAndRunningRequests) {
  start({.rows = 2});
  const Door door;
  const Outcome first, waiting, last;
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
  int64_t expired = 1;
  bool had_tokens = false;
  // A machine with other work may need more time for a first token.
  for (auto patience = 200ms; !had_tokens && patience < 10s; patience *= 4) {
    const Outcome running;
    soon.deadline = std::chrono::steady_clock::now() + patience;
    ask(running, soon);
    EXPECT_EQ(running.error().value().failure(), ServiceFailure::kDeadline);
    had_tokens = !running.ids().empty();
    ++expired;
  }
  EXPECT_TRUE(had_tokens);
  expect_equal(first.caption(), alone(0, {.generation = kLong}));
  expect_equal(last.caption(), alone(1, {.generation = kLong}));
  EXPECT_EQ(service_->counters().expired, expired);
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

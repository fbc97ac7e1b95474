// Beam searches and samples beside the rows of a service.
#include <algorithm>
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
using ::testing::IsEmpty;

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

TEST_F(CaptionServiceTest, ADeadlineEndsABeamSearch) {
  start();
  auto asked = request(0, {.max_new_tokens = 4000, .beams = 2, .stop_ids = {1}});
  asked.deadline = std::chrono::steady_clock::now() + 200ms;
  const Outcome outcome;
  ask(outcome, asked);
  EXPECT_EQ(outcome.error().value().failure(), ServiceFailure::kDeadline);
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

}  // namespace
}  // namespace ccexpert::generate

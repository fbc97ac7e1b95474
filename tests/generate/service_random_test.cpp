// Many requests of random clients, lengths and ends: each caption is that of its request alone.
#include <algorithm>
#include <map>
#include <random>

#include <gtest/gtest.h>

#include "generate/service_requests.h"

namespace ccexpert::generate {
namespace {

using test::Outcome;
using test::PaintedPairs;

constexpr size_t kRequests = 1000;
constexpr size_t kPairs = 4;
constexpr int64_t kMostTokens = 6;

/// One of few requests, each asked many times.
struct Asked {
  size_t pair;
  bool own_question;
  bool sampled;

  auto operator<=>(const Asked&) const = default;
  GenerationOptions generation() const {
    GenerationOptions options{.max_new_tokens = kMostTokens, .stop_ids = {1}};
    if (sampled) options.temperature = 1.5;
    return options;
  }
  std::string question() const { return own_question ? "Did a road change, or a house?" : ""; }
};

/// Request that was accepted.
struct Sent {
  Asked asked;
  int64_t tokens;
  bool leaves;
  Outcome outcome;
};

class RandomRequests : public ::testing::Test {
 protected:
  size_t draw(size_t count) { return static_cast<size_t>(random_() % count); }

  Sent next() {
    return {.asked = {draw(kPairs), draw(2) == 0, draw(4) == 0},
            .tokens = static_cast<int64_t>(1 + draw(kMostTokens)),
            .leaves = draw(10) == 0,
            .outcome = {}};
  }

  /// Sends a request again until the queue has a place for it.
  void send(const Sent& sent) {
    CaptionRequest request{.pair = handles_[sent.asked.pair],
                           .question = sent.asked.question(),
                           .generation = sent.asked.generation(),
                           .client = std::to_string(draw(5))};
    request.generation.max_new_tokens = sent.tokens;
    if (sent.leaves && draw(2) == 0) request.deadline = std::chrono::steady_clock::now();
    while (true) {
      try {
        const auto ticket = service_.submit(request, sent.outcome.events());
        if (sent.leaves && !request.deadline) ticket.cancel();
        return;
      } catch (const ServiceError&) {
        waiting_.front().wait();
        waiting_.erase(waiting_.begin());
      }
    }
  }

  void expect_result(const Sent& sent) {
    ASSERT_EQ(sent.outcome.ends(), 1);
    const auto& expected = expected_.at(sent.asked);
    const auto ids = sent.outcome.ids();
    ASSERT_LE(ids.size(), static_cast<size_t>(sent.tokens));
    EXPECT_TRUE(std::equal(ids.begin(), ids.end(), expected.begin()));
    if (sent.leaves) return;
    const auto caption = sent.outcome.caption();
    EXPECT_EQ(caption.token_ids.size(), std::min(static_cast<size_t>(sent.tokens), expected.size()));
    EXPECT_EQ(caption.token_ids, ids);
  }

  void expect_captions() {
    for (size_t i = 0; i < 4 * kPairs; ++i) {
      const Asked asked{i / 4, i % 2 == 1, i / 2 % 2 == 1};
      const CaptionOptions options{.generation = asked.generation(), .question = asked.question()};
      expected_[asked] = service_.captioner()
                             .caption(pairs_[asked.pair].before, pairs_[asked.pair].after, options)
                             .token_ids;
    }
  }

  std::mt19937_64 random_{7};
  const PaintedPairs pairs_{kPairs};
  CaptionService service_{Captioner::load(test::tiny_folder(), {.device = "cpu"}),
                          {.rows = 16, .joining = 8, .queued = 32}};
  std::vector<PairHandle> handles_;
  std::vector<Outcome> waiting_;  // of requests that were sent
  std::map<Asked, std::vector<int64_t>> expected_;
};

TEST_F(RandomRequests, HaveTheCaptionsOfEachAlone) {
  expect_captions();
  for (const auto& pair : pairs_.views()) handles_.push_back(service_.prepare(pair.before, pair.after));
  std::vector<Sent> all;
  for (size_t i = 0; i < kRequests; ++i) {
    all.push_back(next());
    send(all.back());
    waiting_.push_back(all.back().outcome);
  }
  EXPECT_TRUE(service_.drain(std::chrono::minutes(10)));
  for (const auto& sent : all) expect_result(sent);
  const auto counters = service_.counters();
  EXPECT_EQ(counters.accepted, std::ssize(all));
  EXPECT_EQ(counters.done + counters.cancelled + counters.expired, counters.accepted);
  EXPECT_EQ(counters.failed, 0);
  EXPECT_GT(counters.step_rows, 4 * counters.steps);
}

}  // namespace
}  // namespace ccexpert::generate

// Beam search on a toy model small enough to enumerate every sequence.
#include <cmath>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "generate/search.h"
#include "generate/toy_model.h"

namespace ccexpert::generate {
namespace {

using test::chain_table;
using test::logprob_of;
using test::random_table;
using test::ToyModel;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Ids = std::vector<int64_t>;
using State = ToyModel::State;

constexpr int64_t kStop = 0;

DecodingConfig stopping(DecodingConfig decoding) {
  decoding.stop_ids = {kStop};
  return decoding;
}

std::vector<GeneratedSequence> run(const at::Tensor& table, std::vector<State> starts,
                                   const DecodingConfig& options, std::stop_token stop = {}) {
  ToyModel model(table, std::move(starts));
  return beam_search(model, {.decoding = stopping(options), .on_token = {}, .stop = stop});
}

/// Finds the best of all sequences that end with a stop token or have `length` tokens, by logprob /
/// length^penalty.
class BruteForce {
 public:
  BruteForce(const at::Tensor& table, State start, int64_t length, double penalty)
      : table_(at::log_softmax(table.to(at::kDouble), -1)), length_(length), penalty_(penalty) {
    extend({}, start, 0.0);
  }

  const GeneratedSequence& best() const { return *best_; }
  size_t sequences() const { return sequences_; }

 private:
  void extend(const Ids& ids, State state, double logprob) {
    const auto length = static_cast<int64_t>(ids.size());
    const bool ended = !ids.empty() && ids.back() == kStop;
    if (ended || length == length_) {
      consider({ids, logprob, ended ? FinishReason::kEndToken : FinishReason::kLength});
      return;
    }
    for (int64_t id = 0; id < table_.size(0); ++id) {
      auto longer = ids;
      longer.push_back(id);
      extend(longer, {state.last, id}, logprob + table_[state.before_last][state.last][id].item<double>());
    }
  }

  void consider(const GeneratedSequence& sequence) {
    ++sequences_;
    const double score = sequence.logprob / std::pow(static_cast<double>(sequence.ids.size()), penalty_);
    if (best_ && score <= best_score_) return;
    best_ = sequence;
    best_score_ = score;
  }

  at::Tensor table_;
  int64_t length_;
  double penalty_;
  std::optional<GeneratedSequence> best_;
  double best_score_ = 0.0;
  size_t sequences_ = 0;
};

class Exhaustive : public ::testing::TestWithParam<double> {};

TEST_P(Exhaustive, EnoughBeamsFindTheBestOfAllSequences) {
  constexpr int64_t kLength = 4;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    const auto table = random_table(4, seed);
    const State start{static_cast<int64_t>(seed % 4), static_cast<int64_t>(seed / 4)};
    const BruteForce all(table, start, kLength, GetParam());
    ASSERT_EQ(all.sequences(), 1u + 3 + 9 + 27 * 4);
    const auto found =
        run(table, {start}, {.max_new_tokens = kLength, .beams = 121, .length_penalty = GetParam()}).front();
    EXPECT_EQ(found.ids, all.best().ids) << "seed " << seed;
    EXPECT_NEAR(found.logprob, all.best().logprob, 1e-4) << "seed " << seed;
    EXPECT_EQ(found.finish, all.best().finish) << "seed " << seed;
  }
}

INSTANTIATE_TEST_SUITE_P(LengthPenalties, Exhaustive, ::testing::Values(0.0, 1.0, 2.0, -1.0),
                         [](const auto& test) {
                           return (test.param < 0 ? "minus" : "is") +
                                  std::to_string(static_cast<int>(std::abs(test.param)));
                         });

/// Token 1 is more likely at first, but its continuations are nearly uniform; after 2 the rest is certain.
at::Tensor trap() {
  return chain_table({{-9.0f, 1.0f, 0.5f, -9.0f},
                      {0.0f, 0.0f, 0.0f, 0.0f},
                      {-9.0f, -9.0f, -9.0f, 5.0f},
                      {9.0f, -9.0f, -9.0f, -9.0f}});
}

TEST(BeamSearch, EscapesATrapThatCatchesGreedyDecoding) {
  ToyModel model(trap(), {{}});
  const auto greedy =
      sample(model, {.decoding = {.max_new_tokens = 3, .stop_ids = {kStop}}, .on_token = {}, .stop = {}})
          .front();
  const auto beams = run(trap(), {{}}, {.max_new_tokens = 3, .beams = 2}).front();
  EXPECT_EQ(greedy.ids.front(), 1);
  EXPECT_THAT(beams.ids, ElementsAre(2, 3, kStop));
  EXPECT_EQ(beams.finish, FinishReason::kEndToken);
  EXPECT_GT(beams.logprob, greedy.logprob);
  EXPECT_NEAR(beams.logprob, logprob_of(trap(), {}, beams.ids), 1e-5);
}

TEST(BeamSearch, ALengthPenaltyDecidesBetweenShortAndLong) {
  // Ending at once: ln 0.6 = -0.51; the path 1, 2, 3, stop: ln 0.4 = -0.92 over four tokens.
  const auto table = chain_table({{std::log(0.6f), std::log(0.4f), -30.0f, -30.0f},
                                  {-30.0f, -30.0f, 0.0f, -30.0f},
                                  {-30.0f, -30.0f, -30.0f, 0.0f},
                                  {0.0f, -30.0f, -30.0f, -30.0f}});
  const auto ids = [&](double penalty) {
    return run(table, {{}}, {.max_new_tokens = 8, .beams = 3, .length_penalty = penalty}).front().ids;
  };
  EXPECT_THAT(ids(0.0), ElementsAre(kStop));
  EXPECT_THAT(ids(-1.0), ElementsAre(kStop));
  EXPECT_THAT(ids(1.0), ElementsAre(1, 2, 3, kStop));
}

TEST(BeamSearch, ABatchOfPromptsGivesWhatEachGivesAlone) {
  const auto table = random_table(6, 11);
  std::vector<State> starts;
  for (int64_t i = 0; i < 6; ++i) starts.push_back({i, (i * i + 1) % 6});
  const DecodingConfig options{.max_new_tokens = 7, .beams = 3, .repetition_penalty = 1.2};
  const auto together = run(table, starts, options);
  ASSERT_EQ(together.size(), starts.size());
  for (size_t i = 0; i < starts.size(); ++i) {
    const auto alone = run(table, {starts[i]}, options).front();
    EXPECT_EQ(together[i].ids, alone.ids) << "prompt " << i;
    EXPECT_DOUBLE_EQ(together[i].logprob, alone.logprob) << "prompt " << i;
    EXPECT_NEAR(together[i].logprob, logprob_of(table, starts[i], together[i].ids), 1e-4) << "prompt " << i;
  }
}

TEST(BeamSearch, OneBeamIsGreedyDecodingWithoutALengthPenalty) {
  const auto table = random_table(6, 12);
  for (int64_t i = 0; i < 6; ++i) {
    ToyModel model(table, {{i, i}});
    const auto greedy =
        sample(model, {.decoding = {.max_new_tokens = 6, .stop_ids = {kStop}}, .on_token = {}, .stop = {}});
    const auto beam = run(table, {{i, i}}, {.max_new_tokens = 6, .beams = 1, .length_penalty = 0.0});
    EXPECT_EQ(beam.front().ids, greedy.front().ids) << "start " << i;
    EXPECT_EQ(beam.front().finish, greedy.front().finish) << "start " << i;
  }
}

TEST(BeamSearch, MinNewTokensRulesOutEarlyStops) {
  const auto table = random_table(4, 13);
  for (const int64_t least : {1, 2, 3}) {
    const auto result = run(table + at::tensor({8.0f, 0.0f, 0.0f, 0.0f}), {{1, 1}},
                            {.max_new_tokens = 6, .min_new_tokens = least, .beams = 3, .length_penalty = 0.0})
                            .front();
    EXPECT_EQ(result.ids.size(), static_cast<size_t>(least) + 1);
    EXPECT_EQ(result.ids.back(), kStop);
  }
}

TEST(BeamSearch, ThePenaltyMultipliesLogProbabilities) {
  // After 1, token 1 has ln 0.526 = -0.642 and token 2 ln 0.474 = -0.747; the path over 2 is worse.
  const std::vector<float> close{-9.0f, std::log(0.5f) + 5.0f, std::log(0.45f) + 5.0f, -9.0f};
  const auto table = chain_table({close, close, {3.0f, 4.0f, 4.0f, 4.0f}, close});
  const auto ids = [&](double penalty) {
    return run(table, {{}}, {.max_new_tokens = 2, .beams = 2, .repetition_penalty = penalty}).front().ids;
  };
  EXPECT_THAT(ids(1.1), ElementsAre(1, 1)) << "-0.706 > -0.747; of the logits, 4.31 / 1.1 < 4.20";
  EXPECT_THAT(ids(1.4), ElementsAre(1, 2)) << "-0.899 < -0.747";
}

TEST(BeamSearch, NeverHoldsMoreRowsThanBeams) {
  const auto table = random_table(6, 14);
  ToyModel model(table, {{0, 1}, {2, 3}});
  beam_search(
      model,
      {.decoding = {.max_new_tokens = 5, .beams = 4, .stop_ids = {kStop}}, .on_token = {}, .stop = {}});
  EXPECT_EQ(model.widest(), 8u);
}

TEST(BeamSearch, AStopRequestLeavesTheBestSoFarAsCancelled) {
  std::stop_source source;
  /// Requests a stop after two tokens.
  class Stopping : public ToyModel {
   public:
    Stopping(const at::Tensor& table, std::stop_source& source) : ToyModel(table, {{}}), source_(source) {}
    void grow(const std::vector<int64_t>& rows, const std::vector<int64_t>& ids) override {
      ToyModel::grow(rows, ids);
      if (steps() == 2) source_.request_stop();
    }

   private:
    std::stop_source& source_;
  };
  Stopping model(trap(), source);
  const auto results = beam_search(model, {.decoding = {.max_new_tokens = 9, .beams = 2, .stop_ids = {kStop}},
                                           .on_token = {},
                                           .stop = source.get_token()});
  EXPECT_THAT(results.front().ids, ElementsAre(2, 3));
  EXPECT_EQ(results.front().finish, FinishReason::kCancelled);
  EXPECT_EQ(model.steps(), 2u);
}

TEST(BeamSearch, AStopRequestBeforeTheFirstTokenLeavesNothing) {
  std::stop_source source;
  source.request_stop();
  const auto results = run(trap(), {{}, {}}, {.beams = 2}, source.get_token());
  ASSERT_EQ(results.size(), 2u);
  for (const auto& result : results) {
    EXPECT_THAT(result.ids, IsEmpty());
    EXPECT_EQ(result.finish, FinishReason::kCancelled);
  }
}

TEST(BeamSearch, ACompleteCandidateOfACancelledSearchIsCancelledToo) {
  std::stop_source source;
  /// Ending at once is by far the best, but with this length penalty other sequences could still win.
  class Stopping : public ToyModel {
   public:
    explicit Stopping(std::stop_source& source)
        : ToyModel(chain_table({{3.0f, 0.0f, 0.0f}, {0.0f, 0.0f, 0.0f}, {0.0f, 0.0f, 0.0f}}), {{}}),
          source_(source) {}
    void grow(const std::vector<int64_t>& rows, const std::vector<int64_t>& ids) override {
      ToyModel::grow(rows, ids);
      source_.request_stop();
    }

   private:
    std::stop_source& source_;
  };
  Stopping model(source);
  const auto results =
      beam_search(model, {.decoding = {.max_new_tokens = 64, .beams = 2, .stop_ids = {kStop}},
                          .on_token = {},
                          .stop = source.get_token()});
  EXPECT_THAT(results.front().ids, ElementsAre(kStop));
  EXPECT_EQ(results.front().finish, FinishReason::kCancelled);
}

}  // namespace
}  // namespace ccexpert::generate

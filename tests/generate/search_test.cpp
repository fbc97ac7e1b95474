// Greedy decoding and sampling on a toy model with known probabilities.
#include "generate/search.h"

#include <cmath>
#include <limits>
#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "generate/token_choice.h"
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

constexpr int64_t kStop = 3;

DecodingConfig stopping(DecodingConfig decoding) {
  decoding.stop_ids = {kStop};
  return decoding;
}

/// 0 -> 1 -> 2 -> stop, with runners-up.
at::Tensor path_table() {
  return chain_table({{0.0f, 3.0f, 2.0f, 1.0f},    // after 0
                      {2.0f, 0.0f, 3.0f, 1.0f},    // after 1
                      {2.0f, 1.0f, 0.0f, 3.0f},    // after 2
                      {9.0f, 0.0f, 0.0f, 0.0f}});  // after the stop token: never requested
}

std::vector<GeneratedSequence> run(const at::Tensor& table, std::vector<ToyModel::State> starts,
                                   const DecodingConfig& options,
                                   const std::function<bool(size_t, int64_t, double)>& on_token = nullptr) {
  ToyModel model(table, std::move(starts));
  return sample(model, {.decoding = stopping(options), .on_token = on_token, .stop = {}});
}

GeneratedSequence run_one(const at::Tensor& table, const DecodingConfig& options) {
  return run(table, {{}}, options).front();
}

TEST(Greedy, TakesTheMostProbableTokenUntilAStopToken) {
  const auto result = run_one(path_table(), {.max_new_tokens = 10});
  EXPECT_THAT(result.ids, ElementsAre(1, 2, kStop));
  EXPECT_EQ(result.finish, FinishReason::kEndToken);
  EXPECT_NEAR(result.logprob, logprob_of(path_table(), {}, result.ids), 1e-5);
  EXPECT_LT(result.logprob, -1.0) << "a sum of log-probabilities of tokens with alternatives";
}

TEST(TextIds, AreThoseBeforeTheEndToken) {
  const auto text_of = [](const Ids& ids, FinishReason finish) {
    const GeneratedSequence sequence{ids, 0.0, finish};
    const auto text = text_ids(sequence, stopping({}));
    return Ids(text.begin(), text.end());
  };
  EXPECT_THAT(text_of({1, 2, kStop}, FinishReason::kEndToken), ElementsAre(1, 2));
  EXPECT_THAT(text_of({1, kStop}, FinishReason::kCancelled), ElementsAre(1)) << "as a beam search may return";
  EXPECT_THAT(text_of({1, 2}, FinishReason::kLength), ElementsAre(1, 2));
  EXPECT_THAT(text_of({}, FinishReason::kCancelled), IsEmpty());
}

TEST(Greedy, AnyOfSeveralStopTokensEnds) {
  ToyModel model(path_table(), {{}});
  const auto results = sample(model, {.decoding = {.stop_ids = {kStop, 2}}, .on_token = {}, .stop = {}});
  EXPECT_THAT(results.front().ids, ElementsAre(1, 2));
  EXPECT_EQ(results.front().finish, FinishReason::kEndToken);
}

TEST(Greedy, StopsAtTheLengthLimit) {
  for (const int64_t limit : {1, 2}) {
    const auto result = run_one(path_table(), {.max_new_tokens = limit});
    EXPECT_EQ(result.ids.size(), static_cast<size_t>(limit));
    EXPECT_EQ(result.finish, FinishReason::kLength);
  }
  const auto exact = run_one(path_table(), {.max_new_tokens = 3});
  EXPECT_EQ(exact.finish, FinishReason::kEndToken) << "a stop token in the last place still ends the caption";
}

TEST(Greedy, MinNewTokensRulesOutEarlyStops) {
  const auto result = run_one(path_table(), {.max_new_tokens = 10, .min_new_tokens = 3});
  EXPECT_THAT(result.ids, ElementsAre(1, 2, 0, 1, 2, kStop));
  EXPECT_NEAR(result.logprob, logprob_of(path_table(), {}, result.ids), 1e-5)
      << "under the model's own distribution, without the excluded tokens";
  EXPECT_THAT(run_one(path_table(), {.max_new_tokens = 10, .min_new_tokens = 2}).ids,
              ElementsAre(1, 2, kStop));
}

TEST(Greedy, RepetitionPenaltyDividesPositiveAndMultipliesNegativeLogits) {
  const auto positive = chain_table({{3.0f, 2.0f, -5.0f, -5.0f},
                                     {3.0f, 2.0f, -5.0f, -5.0f},
                                     {3.0f, 2.0f, -5.0f, -5.0f},
                                     {0.0f, 0.0f, 0.0f, 0.0f}});
  EXPECT_THAT(run_one(positive, {.max_new_tokens = 2}).ids, ElementsAre(0, 0));
  const auto result = run_one(positive, {.max_new_tokens = 3, .repetition_penalty = 1.6});
  EXPECT_THAT(result.ids, ElementsAre(0, 1, 0)) << "3, then 3/1.6 < 2, then 3/1.6 > 2/1.6";
  EXPECT_NEAR(result.logprob, logprob_of(positive, {}, result.ids), 1e-5) << "without the penalty";
  const auto negative = positive - 4.0;
  EXPECT_THAT(run_one(negative, {.max_new_tokens = 2, .repetition_penalty = 2.5}).ids, ElementsAre(0, 1))
      << "-1 * 2.5 < -2";
}

TEST(Greedy, ReportsEveryTokenInOrderAndEndsOnlyTheSequenceThatIsCancelled) {
  std::vector<std::pair<size_t, int64_t>> events;
  std::map<size_t, double> sums;
  const auto results = run(path_table(), {{0, 0}, {0, 1}, {0, 0}}, {.max_new_tokens = 10},
                           [&](size_t sequence, int64_t id, double logprob) {
                             events.emplace_back(sequence, id);
                             sums[sequence] += logprob;
                             return !(sequence == 2 && id == 2);
                           });
  using Event = std::pair<size_t, int64_t>;
  EXPECT_THAT(events, ElementsAre(Event{0, 1}, Event{1, 2}, Event{2, 1}, Event{0, 2}, Event{1, kStop},
                                  Event{2, 2}, Event{0, kStop}));
  EXPECT_THAT(results[0].ids, ElementsAre(1, 2, kStop));
  EXPECT_THAT(results[1].ids, ElementsAre(2, kStop));
  EXPECT_THAT(results[2].ids, ElementsAre(1, 2));
  EXPECT_EQ(results[0].finish, FinishReason::kEndToken);
  EXPECT_EQ(results[1].finish, FinishReason::kEndToken);
  EXPECT_EQ(results[2].finish, FinishReason::kCancelled);
  for (size_t i = 0; i < results.size(); ++i) EXPECT_DOUBLE_EQ(results[i].logprob, sums[i]);
}

TEST(Greedy, AStopRequestEndsAllWithinAToken) {
  std::stop_source source;
  ToyModel model(path_table(), {{0, 0}, {0, 1}});
  size_t tokens = 0;
  const auto count = [&](size_t, int64_t, double) {
    if (++tokens == 2) source.request_stop();
    return true;
  };
  const auto results =
      sample(model, {.decoding = {.stop_ids = {kStop}}, .on_token = count, .stop = source.get_token()});
  EXPECT_EQ(tokens, 2u);
  for (const auto& result : results) {
    EXPECT_EQ(result.ids.size(), 1u);
    EXPECT_EQ(result.finish, FinishReason::kCancelled);
  }
}

TEST(Greedy, AStopRequestBeforeTheFirstTokenLeavesNothing) {
  std::stop_source source;
  source.request_stop();
  ToyModel model(path_table(), {{}});
  const auto results =
      sample(model, {.decoding = {.stop_ids = {kStop}}, .on_token = {}, .stop = source.get_token()});
  EXPECT_THAT(results.front().ids, IsEmpty());
  EXPECT_EQ(results.front().logprob, 0.0);
  EXPECT_EQ(results.front().finish, FinishReason::kCancelled);
}

TEST(Greedy, ABatchGivesWhatEachSequenceGivesAlone) {
  const auto table = random_table(8, 3);
  std::vector<ToyModel::State> starts;
  for (int64_t i = 0; i < 8; ++i) starts.push_back({i, (3 * i + 1) % 8});
  const DecodingConfig options{.max_new_tokens = 20, .repetition_penalty = 1.3};
  const auto together = run(table, starts, options);
  ASSERT_EQ(together.size(), starts.size());
  for (size_t i = 0; i < starts.size(); ++i) {
    const auto alone = run(table, {starts[i]}, options).front();
    EXPECT_EQ(together[i].ids, alone.ids) << "sequence " << i;
    EXPECT_DOUBLE_EQ(together[i].logprob, alone.logprob) << "sequence " << i;
    EXPECT_EQ(together[i].finish, alone.finish) << "sequence " << i;
  }
}

TEST(Greedy, FinishedSequencesLeaveTheBatch) {
  ToyModel model(path_table(), {{0, 2}, {0, 0}, {0, 2}});
  sample(model, {.decoding = {.stop_ids = {kStop}}, .on_token = {}, .stop = {}});
  EXPECT_EQ(model.widest(), 1u) << "two of three sequences end with their first token";
  EXPECT_EQ(model.steps(), 2u) << "the last token is not read";
}

TEST(Sampling, OneSeedGivesOneResultAndAnotherSeedAnother) {
  const auto table = random_table(16, 5, 0.5);
  const auto ids_of = [&](int64_t seed) {
    return run_one(table, {.max_new_tokens = 30, .temperature = 1.0, .seed = seed}).ids;
  };
  EXPECT_EQ(ids_of(1), ids_of(1));
  EXPECT_NE(ids_of(1), ids_of(2));
}

TEST(Sampling, ASequenceDoesNotDependOnItsBatch) {
  const auto table = random_table(16, 6, 0.5);
  const std::vector<ToyModel::State> starts{{0, 0}, {1, 2}, {5, 7}, {0, 0}};
  const DecodingConfig options{.max_new_tokens = 30, .temperature = 1.2, .top_p = 0.9, .top_k = 12};
  const auto together = run(table, starts, options);
  for (size_t i = 0; i < starts.size(); ++i) {
    EXPECT_EQ(together[i].ids, run(table, {starts[i]}, options).front().ids) << "sequence " << i;
  }
  EXPECT_EQ(together[0].ids, together[3].ids) << "the same prompt in the same call";
}

TEST(Sampling, OneCandidateIsGreedyDecoding) {
  const auto table = random_table(16, 7);
  const auto greedy = run_one(table, {.max_new_tokens = 30});
  for (const int64_t seed : {1, 2, 3}) {
    const DecodingConfig one_k{.max_new_tokens = 30, .temperature = 5.0, .top_k = 1, .seed = seed};
    const DecodingConfig tiny_p{.max_new_tokens = 30, .temperature = 1.0, .top_p = 1e-6, .seed = seed};
    const DecodingConfig cold{.max_new_tokens = 30, .temperature = 1e-300, .seed = seed};
    for (const auto& options : {one_k, tiny_p, cold}) {
      const auto result = run_one(table, options);
      EXPECT_EQ(result.ids, greedy.ids);
      EXPECT_DOUBLE_EQ(result.logprob, greedy.logprob) << "under the model, not under the cut distribution";
    }
  }
}

/// Compares how often each token is drawn with its probability: within 4.5 standard deviations, so a fixed
/// seed always passes or always fails.
void expect_frequencies(const Ids& draws, const at::Tensor& probabilities) {
  const auto count = static_cast<double>(draws.size());
  for (int64_t id = 0; id < probabilities.size(0); ++id) {
    const double expected = probabilities[id].item<double>();
    const double got = static_cast<double>(std::count(draws.begin(), draws.end(), id)) / count;
    EXPECT_LE(std::abs(got - expected), 4.5 * std::sqrt(expected * (1.0 - expected) / count))
        << "token " << id << ": " << got << ", expected " << expected;
  }
}

const at::Tensor kLogits = at::tensor({1.0f, -0.5f, 2.0f, 0.0f, -3.0f});

Ids draws_of(const DecodingConfig& options) {
  std::mt19937_64 generator(99);
  Ids draws(20000);
  for (auto& id : draws) id = draw_token(sampled_tokens(kLogits, options), generator);
  return draws;
}

TEST(Sampling, FrequenciesAreThoseOfTheSoftmaxAtItsTemperature) {
  for (const double temperature : {0.5, 1.0, 2.0}) {
    SCOPED_TRACE(temperature);
    expect_frequencies(draws_of({.temperature = temperature}), at::softmax(kLogits / temperature, 0));
  }
}

TEST(Sampling, TopKKeepsTheMostProbableAndRenormalises) {
  const auto expected = at::softmax(at::tensor({1.0f, -1e9f, 2.0f, 0.0f, -1e9f}), 0);
  expect_frequencies(draws_of({.temperature = 1.0, .top_k = 3}), expected);
  expect_frequencies(draws_of({.temperature = 1.0, .top_k = 100}), at::softmax(kLogits, 0));
}

TEST(Sampling, TopPKeepsTheSmallestSetThatReachesIt) {
  // softmax: 0.22, 0.05, 0.62, 0.08, 0.01 (rounded to hundredths): 0.62 alone is below 0.7, with 0.22 it is
  // above.
  const auto expected = at::softmax(at::tensor({1.0f, -1e9f, 2.0f, -1e9f, -1e9f}), 0);
  expect_frequencies(draws_of({.temperature = 1.0, .top_p = 0.7}), expected);
  const auto one = at::tensor({0.0f, 0.0f, 1.0f, 0.0f, 0.0f});
  expect_frequencies(draws_of({.temperature = 1.0, .top_p = 0.6}), one);
}

TEST(Sampling, SequencesFollowTheModelsFrequencies) {
  const auto flat = chain_table(std::vector<std::vector<float>>(5, {1.0f, -0.5f, 2.0f, 0.0f, -3.0f}));
  ToyModel model(flat, {{}});
  const auto results =
      sample(model, {.decoding = {.max_new_tokens = 8000, .temperature = 0.8}, .on_token = {}, .stop = {}});
  ASSERT_EQ(results.front().ids.size(), 8000u);
  expect_frequencies(results.front().ids, at::softmax(kLogits / 0.8, 0));
}

TEST(Sampling, MinNewTokensHoldsForSamplingToo) {
  const auto eager = chain_table(std::vector<std::vector<float>>(4, {0.0f, 0.0f, 0.0f, 20.0f}));
  const auto result = run_one(eager, {.max_new_tokens = 10, .min_new_tokens = 4, .temperature = 1.0});
  EXPECT_EQ(result.ids.size(), 5u);
  EXPECT_EQ(std::count(result.ids.begin(), result.ids.end() - 1, kStop), 0);
}

TEST(Penalize, LeavesLogitsAloneWhereNothingIsToBeDoneAndNeverWritesToThem) {
  const auto logits = at::tensor({1.0f, 2.0f, 3.0f, 4.0f}).unsqueeze(0);
  EXPECT_TRUE(penalize(logits, {{1}}, {.stop_ids = {3}}).is_same(logits));
  const auto changed =
      penalize(logits, {{1, 1}}, {.min_new_tokens = 3, .repetition_penalty = 2.0, .stop_ids = {3}});
  EXPECT_TRUE(at::equal(changed[0].slice(0, 0, 3), at::tensor({1.0f, 1.0f, 3.0f})))
      << "a repeated token is penalised once";
  EXPECT_EQ(changed[0][3].item<float>(), -std::numeric_limits<float>::infinity());
  EXPECT_TRUE(at::equal(logits[0], at::tensor({1.0f, 2.0f, 3.0f, 4.0f})));
}

}  // namespace
}  // namespace ccexpert::generate

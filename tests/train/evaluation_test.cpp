// Evaluation on one or more ranks: each pair once, equal numbers, bad pairs, stops.
#include "train/evaluation.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/ranks.h"
#include "train/tiny_run.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAreArray;

/// Five pairs in batches of two; neither two nor three ranks divide them evenly.
TrainConfig config_for(const fs::path& pairs, Metric metric = Metric::kChangeAccuracy) {
  TrainConfig config;
  config.device = "cpu";
  config.model.start = test::tiny_folder().string();
  config.model.dtype = Precision::kFloat32;
  config.data.validation = pairs.string();
  config.evaluation.metric = metric;
  config.evaluation.batch_size = 2;
  config.evaluation.samples = 4;
  config.evaluation.generation.max_new_tokens = 3;
  return config;
}

class Evaluation : public ::testing::Test {
 protected:
  EvaluationLine evaluate(const TrainConfig& config) {
    const auto run = start_run_model(config, at::kCPU);
    return Evaluator(run, config, *alone_).run(1).value();
  }

  test::TemporaryFolder folder_;
  std::unique_ptr<distributed::Communicator> alone_ = distributed::single_process();
};

class SharedEvaluation : public ::testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Ranks, SharedEvaluation, ::testing::Values(2, 3),
                         [](const auto& ranks) { return "of" + std::to_string(ranks.param); });

std::vector<std::string> uids_of(const EvaluationLine& line) {
  std::vector<std::string> uids;
  for (const auto& sample : line.samples) uids.push_back(sample.uid);
  return uids;
}

TEST_P(SharedEvaluation, IsThatOfOneProcess) {
  test::in_ranks(GetParam(), [](int) {
    const test::TemporaryFolder folder;
    const auto config = config_for(test::write_pairs(folder, 5));
    const auto run = start_run_model(config, at::kCPU);
    const auto alone = distributed::single_process(), all = test::join_ranks();
    const auto expected = Evaluator(run, config, *alone).run(7).value();
    const auto line = Evaluator(run, config, *all).run(7).value();
    EXPECT_EQ(expected.pairs, 5);
    EXPECT_EQ(line.pairs, 5);
    EXPECT_NEAR(line.caption_loss, expected.caption_loss, 1e-5);
    EXPECT_EQ(line.score, expected.score);
    EXPECT_THAT(uids_of(expected), ElementsAre("p0", "p1", "p2", "p3"));
    EXPECT_THAT(uids_of(line), UnorderedElementsAreArray(uids_of(expected)));
    for (const auto& sample : line.samples) {
      const auto same = std::find_if(expected.samples.begin(), expected.samples.end(),
                                     [&](const auto& other) { return other.uid == sample.uid; });
      EXPECT_EQ(sample.caption, same->caption);
    }
  });
}

TEST_P(SharedEvaluation, AStopOfOneRankEndsItForAll) {
  test::in_ranks(GetParam(), [](int rank) {
    const test::TemporaryFolder folder;
    const auto config = config_for(test::write_pairs(folder, 5));
    const auto run = start_run_model(config, at::kCPU);
    const auto all = test::join_ranks();
    Evaluator evaluator(run, config, *all);
    std::stop_source stop;
    if (rank == 1) stop.request_stop();
    EXPECT_FALSE(evaluator.run(1, {stop.get_token()}));
    EXPECT_TRUE(evaluator.run(1));
  });
}

TEST_F(Evaluation, MorePairsThanAskedForAreLeftAlone) {
  auto config = config_for(test::write_pairs(folder_, 5), Metric::kLoss);
  config.evaluation.max_pairs = 3;
  const auto line = evaluate(config);
  EXPECT_EQ(line.pairs, 3);
  EXPECT_EQ(line.score, line.caption_loss);
  EXPECT_GT(line.caption_loss, 0.0);
}

TEST_F(Evaluation, UnreadablePairsEndItOrAreLeftOut) {
  auto config = config_for(test::write_pairs(folder_, 5));
  const auto broken = folder_ / "pairs.json-3-after.png";
  fs::remove(broken);
  EXPECT_THAT(test::error_of([&] { evaluate(config); }),
              AllOf(HasSubstr("pair 'p3': "), HasSubstr(broken.string())));
  config.data.unreadable = Unreadable::kSkip;
  const auto line = evaluate(config);
  EXPECT_EQ(line.pairs, 4);
  EXPECT_EQ(line.skipped, 1);
  EXPECT_THAT(uids_of(line), ElementsAre("p0", "p1", "p2"));
}

TEST_F(Evaluation, CaptionsOfTooManyTokensLikewise) {
  auto config = config_for(test::write_pairs(folder_, 2), Metric::kLoss);
  const double whole = evaluate(config).caption_loss;
  config.data.max_tokens = 20;
  EXPECT_THAT(test::error_of([&] { evaluate(config); }),
              HasSubstr("pair 'p0': expected at most 20 tokens, got "));
  config.data.unreadable = Unreadable::kSkip;
  const auto line = evaluate(config);
  EXPECT_EQ(line.skipped, 3);  // the second pair has two
  EXPECT_EQ(line.caption_loss, 0.0);
  EXPECT_GT(whole, 0.0);
}

TEST_F(Evaluation, AMetricThatTheDataCannotTellIsRefused) {
  const auto refusal = [&](const nlohmann::json& entries) {
    const auto config = config_for(folder_.write("validation.json", entries.dump()));
    return test::error_of([&] { evaluate(config); });
  };
  auto pairs = nlohmann::json::parse(std::ifstream(test::write_pairs(folder_, 3)));
  EXPECT_EQ(refusal(pairs), "no error");
  auto changed = pairs;
  changed.erase(2);  // the unchanged pair
  const auto told = HasSubstr(
      "evaluation.metric: expected another metric, or validation pairs with change_flag, some of them "
      "unchanged, got "
      "change_accuracy with ");
  EXPECT_THAT(refusal(changed), told);
  for (auto& pair : pairs) pair.erase("change_flag");
  EXPECT_THAT(refusal(pairs), told);
}

TEST(Best, IsTheLargerOrTheSmallerScoreButNoneThatIsNoNumber) {
  EXPECT_TRUE(is_better(Metric::kLoss, 1.0, std::nullopt));
  EXPECT_TRUE(is_better(Metric::kLoss, 0.9, 1.0));
  EXPECT_FALSE(is_better(Metric::kLoss, 1.0, 1.0));
  EXPECT_TRUE(is_better(Metric::kChangeAccuracy, 0.6, 0.5));
  EXPECT_FALSE(is_better(Metric::kChangeAccuracy, 0.4, 0.5));
  for (const double none : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    EXPECT_FALSE(is_better(Metric::kLoss, none, std::nullopt));
    EXPECT_FALSE(is_better(Metric::kChangeAccuracy, none, 0.5));
  }
}

}  // namespace
}  // namespace ccexpert::train

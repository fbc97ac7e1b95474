// Self-critical training: the gradient by hand, the reward in training, ranks and resuming.
#include "train/self_critical.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/ranks.h"
#include "train/loss.h"
#include "train/trainer_fixture.h"

namespace ccexpert::train {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::Le;
using ::testing::SizeIs;

TEST(Advantages, AreRewardsMinusTheirMean) {
  EXPECT_THAT(advantages({1.0, 2.0, 6.0}), ElementsAre(-2.0, -1.0, 3.0));
  EXPECT_THAT(advantages({0.5, 0.5}), ElementsAre(0.0, 0.0));
}

TEST(DrawSeed, DependsOnSeedEpochAndPlace) {
  const auto seed = draw_seed(42, 1, 7);
  EXPECT_EQ(seed, draw_seed(42, 1, 7));
  EXPECT_NE(seed, draw_seed(43, 1, 7));
  EXPECT_NE(seed, draw_seed(42, 2, 7));
  EXPECT_NE(seed, draw_seed(42, 1, 8));
}

/// Two drawn captions of one token each for one pair, with rewards 3 and 1.
CaptionRows two_rows() {
  const std::vector<int64_t> prompt{5, -200, 6, -200};
  CaptionRows rows{.ids = {}, .labels = {}, .weights = at::tensor({1.0F, -1.0F}), .each = 2};
  for (const int64_t token : {11, 12}) {
    rows.ids.push_back({5, -200, 6, -200, token});
    rows.labels.push_back({-100, -100, -100, -100, token});
  }
  rows.reward = at::scalar_tensor(2.0, at::kDouble);
  return rows;
}

/// d loss / d logits = -(1/n) sum_i A_i (onehot(token_i) - p) with n tokens. Both captions follow the same
/// prompt, so with A = (1, -1) the terms of p cancel and the gradient of the last state is the difference of
/// two rows of the head: -(w_11 - w_12) / 2.
TEST(SelfCriticalLoss, GradientIsThatOfTheRewards) {
  const auto model = test::tiny_model();
  const auto head = model->named_parameters()["lm_head.weight"].detach();
  auto state = at::ones({64}).requires_grad_(true);
  const auto hidden = state.expand({2, 2, 64});
  const auto labels = at::tensor({-100, 11, -100, 12}, at::kLong).view({2, 2});
  weighted_caption_loss(model->decoder(), hidden, labels, at::tensor({1.0F, -1.0F})).mean.backward();
  EXPECT_TRUE(test::close(state.grad(), (head[12] - head[11]) / 2.0, {1e-6, 1e-5}));
}

TEST(SelfCriticalLoss, ABatchLearnsTheRowsOfItsSource) {
  const auto model = test::tiny_model();
  const auto batch = test::tiny_batch({0});
  const auto result =
      batch_loss(*model, batch, {.captions = [](const TensorBatch&, const at::Tensor& image_tokens) {
        EXPECT_EQ(image_tokens.size(0), 2);
        return two_rows();
      }});
  EXPECT_EQ(result.supervised_tokens, 2);
  EXPECT_EQ(result.reward.item<double>(), 2.0);
  auto alone = batch;
  alone.ids = {{5, -200, 6, -200, 11}};
  alone.labels = {{-100, -100, -100, -100, 11}};
  const auto high = batch_loss(*model, alone).loss.item<double>();
  alone.ids[0].back() = alone.labels[0].back() = 12;
  const auto low = batch_loss(*model, alone).loss.item<double>();
  EXPECT_NEAR(result.loss.item<double>(), (high - low) / 2.0, 1e-5);
}

/// Returns log p of one token after the prompt of `two_rows`.
double log_probability(const model::CcexpertModel& model, int64_t token) {
  const at::NoGradGuard no_grad;
  auto batch = test::tiny_batch({0});
  batch.ids = {{5, -200, 6, -200, token}};
  batch.labels = {{-100, -100, -100, -100, token}};
  return -batch_loss(model, batch).loss.item<double>();
}

TEST(SelfCriticalLoss, AStepRaisesTheRewardedCaption) {
  const auto model = test::tiny_model();
  const auto high = log_probability(*model, 11), low = log_probability(*model, 12);
  const auto all = distributed::single_process();
  ShardedAdamW optimizer(apply_rules(*model, {{}}), {}, *all);
  optimizer.begin_backward(true);
  batch_loss(*model, test::tiny_batch({0}), {.captions = [](const auto&, const auto&) {
    return two_rows();
  }}).loss.backward();
  optimizer.end_backward();
  optimizer.step(1e-3);
  EXPECT_GT(log_probability(*model, 11), high + 0.1);
  EXPECT_LT(log_probability(*model, 12), low - 0.1);
}

class SelfCriticalRun : public TrainerTest {
 protected:
  SelfCriticalRun() {
    config_.objective = StageObjective::kSelfCritical;
    config_.self_critical.samples = 4;
    config_.self_critical.max_new_tokens = 4;
    config_.optimizer.schedule = Decay::kConstant;
    config_.optimizer.warmup_ratio = 0.0;
  }

  std::vector<double> rewards(const std::string& run) const {
    std::vector<double> values;
    for (const auto& line : log_of(run, "step")) values.push_back(line.at("reward").get<double>());
    return values;
  }
};

TEST_F(SelfCriticalRun, ResumesBitForBit) {
  whole();
  auto first = named("resumed");
  first.batch.max_steps = 4;
  train(first);
  train(named("resumed"));
  expect_same_end("resumed");
}

TEST_F(SelfCriticalRun, TheLogHasTheRewardOfEachStep) {
  train(named("logged"));
  EXPECT_THAT(rewards("logged"), AllOf(SizeIs(6), Each(AllOf(Ge(0.0), Le(30.0))), Contains(Gt(0.0))));
}

TEST_F(SelfCriticalRun, RefusesKeysWithoutEffect) {
  const auto error = [&](auto&& change) {
    auto config = named("refused");
    change(config);
    return test::error_of([&] { config.validate(); });
  };
  EXPECT_THAT(error([](auto& c) { c.loss.consensus = 1.0; }),
              HasSubstr("loss.consensus: expected 0, as objective is self_critical, got 1"));
  EXPECT_THAT(
      error([](auto& c) { c.distributed.zero = 3; }),
      HasSubstr("distributed.zero: expected 0 to 2 with objective self_critical, which draws captions of "
                "any length, got 3"));
  EXPECT_THAT(error([](auto& c) { c.objective = StageObjective::kCrossEntropy; }),
              HasSubstr("self_critical.samples: expected 5, as objective is cross_entropy, got 4"));
  EXPECT_THAT(error([](auto& c) {
                c.loss.caption = 0.0;
                c.loss.classes = 1.0;
              }),
              HasSubstr("loss.caption: expected above 0 with objective self_critical, got 0"));
}

TEST_F(SelfCriticalRun, TwoRanksTrainAsOne) {
  test::in_ranks(2, [&](int rank) {
    const auto shared = test::shared_folder();
    if (rank == 0) std::filesystem::copy_file(config_.data.train, shared / "pairs.json");
    const auto all = test::join_ranks();
    config_.data.train = (shared / "pairs.json").string();
    config_.optimizer.eps = 1e-3;  // sums over ranks have another order, and Adam would amplify that noise
    config_.batch.max_steps = 2;
    config_.checkpoint.every_steps = 0;
    const auto alone = train(named("alone")).caption_losses;
    auto config = config_;
    config.output = (shared / "run").string();
    const auto together = train::train(config, *all, at::kCPU).caption_losses;
    ASSERT_EQ(together.size(), alone.size());
    for (size_t i = 0; i < alone.size(); ++i) EXPECT_NEAR(together[i], alone[i], 2e-5) << "step " << i;
  });
}

}  // namespace
}  // namespace ccexpert::train

// Weights of captions by consensus: by hand, in the loss, and in whole runs.
#include "train/consensus.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eval/shared/caption_scorer.h"
#include "train/loss.h"
#include "train/trainer_fixture.h"

namespace ccexpert::train {
namespace {

using ::testing::Each;
using ::testing::IsEmpty;

data::ChangeExample pair_of(std::vector<std::string> captions) {
  data::ChangeExample pair;
  pair.captions = std::move(captions);
  return pair;
}

const std::vector<data::ChangeExample> kPairs{
    pair_of({"a road is built", "a road is built here", "some trees vanish"}), pair_of({"a single caption"}),
    pair_of({"alpha", "beta"}), pair_of({"nothing has changed", "nothing has changed"})};

TEST(ConsensusWeights, AreCiderAgainstTheOthersWithMeanOne) {
  std::vector<std::vector<std::string>> documents;
  for (const auto& pair : kPairs) documents.push_back(pair.captions);
  eval::CaptionScorer scorer({}, documents);
  const auto& captions = kPairs[0].captions;
  const double first = scorer.score(captions[0], {captions[1], captions[2]});
  const double second = scorer.score(captions[1], {captions[0], captions[2]});
  ASSERT_GT(first, 0.0);
  for (const double strength : {1.0, 0.5}) {
    const auto weights = consensus_weights(kPairs, strength);
    const double sum = std::pow(first, strength) + std::pow(second, strength);
    EXPECT_NEAR(weights[0][0], 3.0 * std::pow(first, strength) / sum, 1e-6);
    EXPECT_NEAR(weights[0][1], 3.0 * std::pow(second, strength) / sum, 1e-6);
    EXPECT_EQ(weights[0][2], 0.0F) << "agrees with none";
    EXPECT_THAT(weights[1], Each(1.0F));
    EXPECT_THAT(weights[2], Each(1.0F)) << "no agreement at all";
    EXPECT_THAT(weights[3], Each(1.0F));
  }
  EXPECT_THAT(consensus_weights(kPairs, 0.0), IsEmpty());
}

TEST(ConsensusWeights, OfSamplesFollowTheirOrder) {
  const CaptionWeights weights{{0.5F, 1.5F}, {1.0F}};
  const auto chosen = weights_of_samples(weights, {{0, 1}, {1, 0}, {0, 0}});
  EXPECT_TRUE(at::equal(chosen, at::tensor({1.5F, 1.0F, 0.5F})));
  EXPECT_FALSE(weights_of_samples({}, {{0, 1}}).defined());
}

class WeightedLoss : public ::testing::Test {
 protected:
  WeightedLoss() : model_(test::tiny_model()) {
    auto generator = at::detail::createCPUGenerator(3);
    hidden_ = at::empty({2, 9, 64}).normal_(0.0, 1.0, generator).requires_grad_(true);
    labels_ = at::full({2, 9}, -100, at::kLong);
    labels_.slice(1, 4, 9).random_(0, 512, generator);
    labels_[0][6] = -100;
  }

  std::shared_ptr<model::CcexpertModel> model_;
  at::Tensor hidden_, labels_;
};

TEST_F(WeightedLoss, IsTheWeightedSumOverTheNumberOfTokens) {
  const auto logits = model_->decoder().logits(hidden_).slice(1, 0, 8).log_softmax(-1);
  double expected = 0.0;
  const double weights[] = {0.25, 1.75};
  for (int64_t row = 0; row < 2; ++row) {
    for (int64_t place = 1; place < 9; ++place) {
      const auto label = labels_[row][place].item<int64_t>();
      if (label >= 0) expected -= weights[row] * logits[row][place - 1][label].item<double>() / 9.0;
    }
  }
  const auto loss = weighted_caption_loss(model_->decoder(), hidden_, labels_, at::tensor({0.25F, 1.75F}));
  EXPECT_EQ(loss.tokens, 9);
  EXPECT_NEAR(loss.mean.item<double>(), expected, 1e-5);
}

TEST_F(WeightedLoss, WeightsOfOneAreThePlainLossAndZeroTeachesNothing) {
  const auto plain = caption_loss(model_->decoder(), hidden_, labels_).mean;
  const auto ones = weighted_caption_loss(model_->decoder(), hidden_, labels_, at::ones({2})).mean;
  EXPECT_NEAR(ones.item<double>(), plain.item<double>(), 1e-6);
  weighted_caption_loss(model_->decoder(), hidden_, labels_, at::tensor({0.0F, 1.0F})).mean.backward();
  EXPECT_EQ(hidden_.grad()[0].abs().sum().item<double>(), 0.0);
  EXPECT_GT(hidden_.grad()[1].abs().sum().item<double>(), 0.0);
}

class ConsensusRun : public TrainerTest {
 protected:
  /// Returns pairs of three captions, of which two agree.
  std::filesystem::path agreeing_pairs() const {
    auto pairs = nlohmann::json::parse(read_file(config_.data.train));
    for (auto& pair : pairs) {
      const auto uid = pair["uid"].get<std::string>();
      pair["change_caption"] = {"road " + uid + " is built", "road " + uid + " is built here",
                                "trees vanish"};
    }
    return folder_.write("agreeing.json", pairs.dump());
  }
};

TEST_F(ConsensusRun, StrengthZeroIsPlainTrainingBitForBit) {
  whole();
  auto config = named("zero");
  config.loss.consensus = 0.0;
  train(config);
  expect_same_end("zero");
}

TEST_F(ConsensusRun, StrengthChangesTheWeightsAndResumesBitForBit) {
  config_.data.train = agreeing_pairs().string();
  const auto plain = whole();
  config_.loss.consensus = 1.0;
  const auto weighted = train(named("weighted")).caption_losses;
  EXPECT_NE(plain, weighted);
  auto first = named("resumed");
  first.batch.max_steps = 4;
  first.optimizer.schedule = Decay::kConstant;
  auto all = named("resumed");
  all.optimizer.schedule = Decay::kConstant;
  auto uninterrupted = all;
  uninterrupted.output = named("whole2").output;
  train(uninterrupted);
  train(first);
  train(all);
  EXPECT_TRUE(files("resumed", 6) == files("whole2", 6));
}

}  // namespace
}  // namespace ccexpert::train

// Auxiliary losses: on changed patches, and on classes of patches.
#include "train/objective.h"

#include <ATen/ATen.h>
#include <ATen/record_function.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/io/checkpoint.h>
#include <ccexpert/model/weights.h>

#include "support/errors.h"
#include "support/golden.h"

namespace ccexpert::train {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kPatches = 36, kWidth = 128, kLanguageWidth = 64, kClasses = 3;

class ObjectiveTest : public ::testing::Test {
 protected:
  ObjectiveTest() {
    const auto checkpoint = io::open_checkpoint(test::data_folder() / "checkpoint-tiny");
    model_ = model::build_model(model::parse_model_config(checkpoint.config_json, "config.json"),
                                *checkpoint.weights, {});
    heads_ = std::make_shared<AuxiliaryHeads>(kWidth, kLanguageWidth, kClasses, at::TensorOptions(), 7);
    auto generator = at::detail::createCPUGenerator(1);
    batch_.pixels = at::empty({4, 3, 84, 84}).normal_(0.0, 1.0, generator);
    for (int pair = 0; pair < 2; ++pair) {
      batch_.ids.push_back({5, -200, 6, -200, 7, 8});
      batch_.labels.push_back({-100, -100, -100, -100, 7, 8});
    }
    batch_.change_mask = at::full({2, kPatches}, -1.0);
    batch_.class_shares = at::full({4, kPatches, kClasses}, -1.0);
  }

  BatchLoss loss(const LossSection& weights) const { return batch_loss(*model_, batch_, {weights, heads_}); }

  /// log(1 + e^x) - x * target, in float64.
  static double cross_entropy(const at::Tensor& logit, double target) {
    const double x = logit.item<double>();
    return std::log1p(std::exp(-std::abs(x))) + std::max(x, 0.0) - x * target;
  }

  std::shared_ptr<model::CcexpertModel> model_;
  std::shared_ptr<AuxiliaryHeads> heads_;
  TensorBatch batch_;
};

TEST_F(ObjectiveTest, MaskLossIsTheMeanOverKnownPatches) {
  batch_.change_mask[0][3] = 0.5;   // changed
  batch_.change_mask[0][4] = 0.01;  // below the threshold
  batch_.change_mask[1][9] = 0.0;
  const auto result = loss({.caption = 0.0, .mask = 2.0});
  const auto change = model_->fuse(model_->vision_features(batch_.pixels)).change;  // [2,N,D]
  const auto logits = heads_->mask(change);
  const double expected = (cross_entropy(logits[0][3], 1.0) + cross_entropy(logits[0][4], 0.0) +
                           cross_entropy(logits[1][9], 0.0)) /
                          3.0;
  EXPECT_NEAR(result.mask_loss.item<double>(), expected, 1e-5);
  EXPECT_NEAR(result.loss.item<double>(), 2.0 * expected, 1e-5);
  EXPECT_FALSE(result.caption_loss.defined());
}

TEST_F(ObjectiveTest, ClassLossTakesSharesAsTargets) {
  for (int64_t c = 0; c < kClasses; ++c) batch_.class_shares[2][5][c] = 0.25 * static_cast<double>(c);
  const auto result = loss({.caption = 0.0, .classes = 1.0, .class_count = kClasses});
  const auto logits = heads_->classes(model_->vision_features(batch_.pixels).back());
  double expected = 0.0;
  for (int64_t c = 0; c < kClasses; ++c) {
    expected += cross_entropy(logits[2][5][c], 0.25 * static_cast<double>(c)) / static_cast<double>(kClasses);
  }
  EXPECT_NEAR(result.class_loss.item<double>(), expected, 1e-5);
}

TEST_F(ObjectiveTest, ImageTokenLossIsOfWhatTheDecoderReads) {
  batch_.change_mask[1][7] = 1.0;  // for both dates
  batch_.class_shares[0][2][1] = 0.5;
  const auto result = loss({.caption = 0.0, .tokens = 3.0, .class_count = kClasses});
  const auto logits = heads_->tokens(model_->encode_images(batch_.pixels).tokens);  // [4,N,1+C]
  const double change = (cross_entropy(logits[2][7][0], 1.0) + cross_entropy(logits[3][7][0], 1.0)) / 2.0;
  const double classes = cross_entropy(logits[0][2][2], 0.5);
  EXPECT_NEAR(result.image_token_loss.item<double>(), change + classes, 1e-5);
  EXPECT_NEAR(result.loss.item<double>(), 3.0 * (change + classes), 1e-4);
  result.loss.backward();
  EXPECT_GT(model_->connector().parameters().front().grad().norm().item<double>(), 0.0);
}

TEST_F(ObjectiveTest, ABaseIsAskedForClassesOnly) {
  auto config = model_->config();
  config.diff_expert.reset();
  model::CcexpertModel base(config);
  model::initialize_weights(base, {.seed = 3});
  batch_.change_mask.fill_(1.0);
  const auto loss = batch_loss(base, batch_, {{.caption = 0.0, .tokens = 1.0}, heads_});
  EXPECT_EQ(loss.image_token_loss.item<double>(), 0.0);
}

TEST_F(ObjectiveTest, WhatIsNowhereKnownTeachesNothing) {
  EXPECT_EQ(loss({.caption = 0.0, .mask = 1.0, .classes = 1.0, .tokens = 1.0}).loss.item<double>(), 0.0);
}

TEST_F(ObjectiveTest, LossesAddUpByTheirWeights) {
  batch_.change_mask.fill_(0.5);
  const double caption = loss({}).caption_loss.item<double>();
  const auto all = loss({.caption = 0.5, .mask = 3.0});
  EXPECT_NEAR(all.caption_loss.item<double>(), caption, 1e-6);
  EXPECT_NEAR(all.loss.item<double>(), 0.5 * caption + 3.0 * all.mask_loss.item<double>(), 1e-5);
}

TEST_F(ObjectiveTest, GradientsReachTheHeadsAndTheModel) {
  batch_.change_mask.fill_(0.5);
  loss({.caption = 0.0, .mask = 1.0}).loss.backward();
  EXPECT_GT(heads_->named_parameters()["mask.weight"].grad().norm().item<double>(), 0.0);
  EXPECT_FALSE(heads_->named_parameters()["classes.weight"].grad().defined());
  EXPECT_GT(model_->diff_expert()->parameters().front().grad().norm().item<double>(), 0.0);
}

/// Returns how often LibTorch read a tensor's value during `call`: on a GPU each read would block the host.
template <class Call>
int values_read_by(Call&& call) {
  static thread_local int reads;
  reads = 0;
  const auto handle =
      at::addThreadLocalCallback(at::RecordFunctionCallback([](const at::RecordFunction& function)
                                                                -> std::unique_ptr<at::ObserverContext> {
                                   reads += std::string_view(function.name()) == "aten::item" ? 1 : 0;
                                   return nullptr;
                                 }).scopes({at::RecordScope::FUNCTION}));
  call();
  at::removeCallback(handle);
  return reads;
}

TEST_F(ObjectiveTest, APassReadsNothingBackFromTheDevice) {
  batch_.change_mask.fill_(0.5);
  BatchLoss result;
  const LossSection all{.mask = 1.0, .classes = 1.0, .tokens = 1.0, .class_count = kClasses};
  EXPECT_EQ(values_read_by([&] { result = loss(all); }), 0);
  EXPECT_EQ(result.supervised_tokens, 4);
  EXPECT_EQ(values_read_by([&] { static_cast<void>(result.caption_loss.item<double>()); }), 1);
}

TEST_F(ObjectiveTest, AMaskLossNeedsADiffExpert) {
  auto config = model_->config();
  config.diff_expert.reset();
  model::CcexpertModel base(config);
  model::initialize_weights(base, {.seed = 3});
  EXPECT_THAT(test::error_of([&] {
                batch_loss(base, batch_, {{.caption = 0.0, .mask = 1.0}, heads_});
              }),
              HasSubstr("loss.mask: expected a model with a Diff Expert, got one without"));
}

TEST(AuxiliaryHeads, AreTheSameForTheSameSeed) {
  AuxiliaryHeads first(kWidth, kLanguageWidth, 2, at::TensorOptions(), 5),
      same(kWidth, kLanguageWidth, 2, at::TensorOptions(), 5),
      other(kWidth, kLanguageWidth, 2, at::TensorOptions(), 6);
  const auto weight = [](AuxiliaryHeads& heads) { return heads.named_parameters()["mask.weight"].detach(); };
  EXPECT_TRUE(at::equal(weight(first), weight(same)));
  EXPECT_FALSE(at::equal(weight(first), weight(other)));
}

}  // namespace
}  // namespace ccexpert::train

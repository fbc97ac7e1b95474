// Chunked cross-entropy against cross-entropy of all logits at once.
#include "train/loss.h"

#include <utility>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "train/tiny_run.h"

namespace ccexpert::train {
namespace {

constexpr int64_t kBatch = 2, kTokens = 9, kWidth = 64, kVocabulary = 512;

/// s x W^T with a scale s that trains.
class ScaledProduct : public model::Product {
 public:
  explicit ScaledProduct(const model::Linear& linear) : linear_(linear) {}
  at::Tensor apply(const at::Tensor& x) const override {
    ++calls;
    return at::linear(x, linear_.matrix()) * scale;
  }

  at::Tensor scale = at::ones({1}).requires_grad_(true);
  mutable int calls = 0;

 private:
  const model::Linear& linear_;
};

class CaptionLossTest : public ::testing::Test {
 protected:
  CaptionLossTest() : model_(test::tiny_model()) {
    auto generator = at::detail::createCPUGenerator(3);
    hidden_ = at::empty({kBatch, kTokens, kWidth}).normal_(0.0, 1.0, generator).requires_grad_(true);
    labels_ = at::full({kBatch, kTokens}, -100, at::kLong);
    labels_.slice(1, 4, kTokens).random_(0, kVocabulary, generator);
    labels_[0][6] = -100;
    labels_[1][0] = 7;  // nothing predicts the first token
  }

  /// Returns the mean over supervised positions of -log softmax(logits)[next].
  at::Tensor expected() const {
    const auto logits = model_->decoder().logits(hidden_).slice(1, 0, kTokens - 1).flatten(0, 1);
    const auto next = labels_.slice(1, 1).flatten();
    const auto kept = next.ne(-100).nonzero().squeeze(1);
    const auto scores = logits.index_select(0, kept).log_softmax(1);
    return -scores.gather(1, next.index_select(0, kept).unsqueeze(1)).mean();
  }
  at::Tensor head() const { return model_->named_parameters()["lm_head.weight"]; }

  std::shared_ptr<model::CcexpertModel> model_;
  at::Tensor hidden_;  // [B,T,H]
  at::Tensor labels_;  // [B,T]
};

TEST_F(CaptionLossTest, IsTheCrossEntropyOfAllLogits) {
  for (const int64_t chunk : {1, 3, 9, 10, 256}) {
    const auto loss = caption_loss(model_->decoder(), hidden_, labels_, chunk);
    EXPECT_EQ(loss.tokens, 9);
    EXPECT_TRUE(test::close(loss.mean, expected(), {1e-6, 1e-6})) << chunk;
  }
}

TEST_F(CaptionLossTest, GradientsAreTheSame) {
  expected().backward();
  const auto wanted = hidden_.grad().clone(), wanted_head = head().grad().clone();
  for (const int64_t chunk : {2, 256}) {
    for (const bool recompute : {false, true}) {
      model_->set_recompute(recompute);
      hidden_.mutable_grad() = at::Tensor();
      head().mutable_grad() = at::Tensor();
      caption_loss(model_->decoder(), hidden_, labels_, chunk).mean.backward();
      EXPECT_TRUE(test::close(hidden_.grad(), wanted, {1e-6, 1e-5})) << chunk;
      EXPECT_TRUE(test::close(head().grad(), wanted_head, {1e-6, 1e-5})) << chunk;
    }
  }
}

TEST_F(CaptionLossTest, GoesThroughTheProductOfTheHead) {
  const auto plain = caption_loss(model_->decoder(), hidden_, labels_, 2).mean;
  const auto product = std::make_shared<ScaledProduct>(model_->decoder().head());
  model::for_each_linear(*model_, [&](const std::string& name, model::Linear& linear) {
    if (name == "lm_head") linear.set_product(product);
  });
  const auto loss = caption_loss(model_->decoder(), hidden_, labels_, 2).mean;
  EXPECT_EQ(product->calls, 5);
  EXPECT_TRUE(at::equal(loss, plain));
  int arrivals = 0;
  product->scale.register_hook([&](const at::Tensor&) { ++arrivals; });
  loss.backward();
  EXPECT_EQ(arrivals, 1) << "a gradient is complete when its hooks run";
  const auto of_scale = product->scale.grad().clone(), of_hidden = hidden_.grad().clone();
  product->scale.mutable_grad() = at::Tensor();
  hidden_.mutable_grad() = at::Tensor();
  expected().backward();
  EXPECT_TRUE(test::close(of_scale, product->scale.grad(), {1e-6, 1e-5}));
  EXPECT_TRUE(test::close(of_hidden, hidden_.grad(), {1e-6, 1e-5}));
}

TEST_F(CaptionLossTest, NothingSupervisedTeachesNothing) {
  labels_.fill_(-100);
  labels_[1][0] = 7;
  const auto loss = caption_loss(model_->decoder(), hidden_, labels_);
  EXPECT_EQ(loss.tokens, 0);
  EXPECT_EQ(loss.mean.item<double>(), 0.0);
  loss.mean.backward();
  EXPECT_EQ(hidden_.grad().abs().sum().item<double>(), 0.0);
}

TEST_F(CaptionLossTest, HalfPrecisionIsSummedInFloat32) {
  const auto half = test::tiny_model(at::kBFloat16);
  const auto loss = caption_loss(half->decoder(), hidden_.detach().to(at::kBFloat16), labels_, 2);
  EXPECT_EQ(loss.mean.scalar_type(), at::kFloat);
  EXPECT_NEAR(loss.mean.item<double>(), expected().item<double>(), 0.05);
}

TEST_F(CaptionLossTest, TokensAppendedToALengthChangeNothing) {
  const auto& decoder = model_->decoder();
  const auto run = [&](int64_t step) {
    const auto sequences = lengthened({hidden_, labels_}, step);
    EXPECT_EQ(sequences.embeddings.size(1), (kTokens + step - 1) / step * step);
    const auto loss = caption_loss(decoder, decoder.forward(sequences.embeddings), sequences.labels);
    EXPECT_EQ(loss.tokens, 9);
    hidden_.mutable_grad() = at::Tensor();
    loss.mean.backward();
    return std::pair{loss.mean.detach(), hidden_.grad().clone()};
  };
  const auto [loss, gradient] = run(1);
  for (const int64_t step : {3, 4, 64}) {
    const auto [other, other_gradient] = run(step);
    EXPECT_TRUE(test::close(other, loss, {1e-6, 1e-6})) << step;
    EXPECT_TRUE(test::close(other_gradient, gradient, {1e-6, 1e-5})) << step;
  }
}

TEST(LengthStep, OnlyAGpuLengthensSequences) {
  EXPECT_EQ(length_step(at::kCPU), 1);
  EXPECT_EQ(length_step(at::kCUDA), 64);
  const LabelledSequences whole{at::zeros({2, 9, 4}), at::zeros({2, 9}, at::kLong)};
  EXPECT_TRUE(lengthened(whole, 1).embeddings.is_same(whole.embeddings));
}

TEST(SpliceLabels, ImagesTakeTheirPlaceAndRowsArePadded) {
  const auto labels =
      splice_labels({{5, -200, 6}, {-200, 7, -200, 8, 9}}, {{-100, -100, 6}, {-100, 7, -100, 8, 9}}, 3);
  const auto expected = at::tensor({-100, -100, -100, -100, 6, -100, -100, -100, -100,  //
                                    -100, -100, -100, 7, -100, -100, -100, 8, 9},
                                   at::kLong)
                            .view({2, 9});
  EXPECT_TRUE(at::equal(labels, expected)) << labels;
}

}  // namespace
}  // namespace ccexpert::train

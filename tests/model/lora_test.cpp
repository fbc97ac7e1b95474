// Low-rank products: targets, values, gradients, and the merged weights.
#include "model/shared/lora.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/shared/adapter.h"
#include "model/tiny_checkpoint.h"
#include "support/errors.h"
#include "support/golden.h"

namespace ccexpert::model {
namespace {

using test::error_of;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

std::shared_ptr<CcexpertModel> tiny(bool tied = false) {
  const auto checkpoint = test::open_tiny();
  auto config = test::config_of(checkpoint);
  config.decoder.tie_word_embeddings = tied;
  test::MemorySource source(*checkpoint.weights);
  if (tied) source.erase("lm_head.weight");
  return build_model(config, source, {});
}

std::vector<std::string> targets(const std::vector<std::string>& patterns) {
  return lora_targets(*tiny(), patterns);
}

TEST(LoraTargets, OfNoPatternAreTheDecodersBlocks) {
  const auto names = targets({});
  EXPECT_THAT(names, SizeIs(2 * 7));
  EXPECT_THAT(names, Each(StartsWith("model.layers.")));
}

TEST(LoraTargets, EndAfterADotOrAreWholeNames) {
  EXPECT_THAT(targets({"down_proj"}),
              ElementsAre("model.layers.0.mlp.down_proj", "model.layers.1.mlp.down_proj"));
  EXPECT_THAT(targets({"mm_projector.2", "model.layers.1.self_attn.q_proj"}),
              ElementsAre("model.mm_projector.2", "model.layers.1.self_attn.q_proj"));
  EXPECT_THAT(error_of([] { targets({"own_proj"}); }), HasSubstr("got none with such a name"));
}

TEST(LoraTargets, OfASuffixAreInEveryPart) {
  const auto names = targets({"q_proj"});
  EXPECT_THAT(names, ::testing::Contains(StartsWith("model.vision_tower.")));
  EXPECT_THAT(names, ::testing::Contains("model.layers.0.self_attn.q_proj"));
}

TEST(LoraTargets, OfAnExpressionMatchWholeNames) {
  EXPECT_THAT(targets({R"(model\.layers\.\d+\.self_attn\.(q|v)_proj)"}), SizeIs(4));
  EXPECT_THAT(error_of([] { targets({R"(layers\.\d+\.mlp\.up_proj$)"}); }),
              HasSubstr("got none with such a name"));
}

TEST(LoraTargets, OfAllLinearLeaveOutHeadAndKernel) {
  const auto names = targets({"all-linear"});
  std::vector<std::string> visited;
  const auto model = tiny();
  for_each_linear(*model, [&](const std::string& name, Linear& linear) {
    if (linear.weight.dim() == 2 && name != "lm_head") visited.push_back(name);
  });
  EXPECT_EQ(names, visited);
}

TEST(LoraTargets, ThatCannotBeAreRefused) {
  EXPECT_EQ(error_of([] { targets({"q_prj"}); }),
            "LoRA target 'q_prj': expected matrices of the model, got none with such a name (did you mean "
            "q_proj?)");
  EXPECT_EQ(
      error_of([] { targets({"*.q_proj"}); }),
      "LoRA target '*.q_proj': expected the end of a name, or a regular expression of a whole name, got "
      "neither (.* matches any characters)");
  EXPECT_THAT(error_of([] { targets({"patch_embedding"}); }), HasSubstr("the kernel of a convolution"));
  EXPECT_EQ(
      error_of([] { lora_targets(*tiny(true), {"lm_head"}); }),
      "LoRA target 'lm_head': expected matrices with weights of their own, got lm_head, which shares the "
      "embedding's");
  EXPECT_THAT(targets({"lm_head"}), ElementsAre("lm_head"));
}

TEST(LoraSize, ScalesByTheRankOrItsRoot) {
  EXPECT_DOUBLE_EQ((LoraSize{.rank = 4, .alpha = 6}).scale(), 1.5);
  EXPECT_DOUBLE_EQ((LoraSize{.rank = 4, .alpha = 6, .rank_stabilized = true}).scale(), 3.0);
}

/// The small checkpoint with products on all matrices.
class Lora : public ::testing::Test {
 protected:
  Lora() {
    layers_ = add_lora(*model_, lora_targets(*model_, {"all-linear", "lm_head"}), kSize);
    initialize_lora(layers_, 5);
  }

  /// Gives B values as large as A's.
  void draw_b() const {
    const at::NoGradGuard no_grad;
    auto generator = at::detail::createCPUGenerator(9);
    for (const auto& layer : layers_) layer.product->b.normal_(0.0, 0.05, generator);
  }

  /// Returns the logits of two pairs, through every part.
  static at::Tensor logits(const CcexpertModel& model) {
    auto generator = at::detail::createCPUGenerator(3);
    const auto pixels = at::empty({4, 3, 84, 84}).normal_(0.0, 1.0, generator);
    const auto images = model.encode_images(pixels);
    const auto x = model.splice({{5, -200, 6, -200, 7, 8}, {9, -200, 4, -200, 3, 2}}, images.tokens);
    return model.decoder().logits(model.decoder().forward(x.embeddings));
  }

  static constexpr LoraSize kSize{.rank = 3, .alpha = 5};
  std::shared_ptr<CcexpertModel> model_ = tiny();
  LoraLayers layers_;
};

TEST_F(Lora, StartsAsTheBase) {
  const at::NoGradGuard no_grad;
  EXPECT_TRUE(at::equal(logits(*model_), logits(*tiny())));
  for (const auto& layer : layers_) {
    const auto& a = layer.product->a;
    const double bound = 1.0 / std::sqrt(static_cast<double>(a.size(1)));
    EXPECT_LE(a.abs().max().item<double>(), bound) << layer.name;
    EXPECT_GT(a.abs().max().item<double>(), 0.8 * bound) << layer.name;
    EXPECT_EQ(layer.product->b.abs().max().item<double>(), 0.0) << layer.name;
  }
}

TEST_F(Lora, DrawsTheSameValuesInEveryDtype) {
  const auto half = tiny();
  half->to(at::kBFloat16);
  const auto others = add_lora(*half, lora_targets(*half, {"all-linear", "lm_head"}), kSize);
  initialize_lora(others, 5);
  for (size_t i = 0; i < layers_.size(); ++i)
    EXPECT_TRUE(at::equal(others[i].product->a, layers_[i].product->a.to(at::kBFloat16))) << layers_[i].name;
}

TEST_F(Lora, MergedWeightsGiveTheSameLogits) {
  const at::NoGradGuard no_grad;
  draw_b();
  const auto merged = tiny();
  std::map<std::string, Linear*> matrices;
  for_each_linear(*merged, [&](const std::string& name, Linear& linear) { matrices[name] = &linear; });
  for (const auto& layer : layers_)
    matrices.at(layer.name)->weight.add_(at::matmul(layer.product->b, layer.product->a), 5.0 / 3.0);
  const auto actual = logits(*model_);
  EXPECT_TRUE(test::close(actual, logits(*merged), test::kGradient));
  EXPECT_FALSE(test::close(actual, logits(*tiny()), test::kGradient)) << "otherwise the test shows nothing";
}

TEST(LoraProduct, GradientsAreThoseOfTheProductsWrittenOut) {
  const Linear linear(64, 128, false, {});
  const auto product = std::make_shared<LoraProduct>(linear, 3, 5.0 / 3.0);
  const auto x = at::randn({2, 7, 64});
  {
    const at::NoGradGuard no_grad;
    linear.weight.normal_();
    product->a.normal_();
    product->b.normal_();
  }
  product->a.requires_grad_();
  product->b.requires_grad_();
  const auto weight = at::randn({2, 7, 128});
  (product->apply(x) * weight).sum().backward();
  // d/dB = s g^T (x A^T) and d/dA = s (g B)^T x over all rows.
  const auto rows = x.flatten(0, 1), g = weight.flatten(0, 1);
  const auto a = product->a.detach(), b = product->b.detach();
  EXPECT_TRUE(test::close(product->b.grad(), at::matmul(g.t(), at::matmul(rows, a.t())) * (5.0 / 3.0)));
  EXPECT_TRUE(test::close(product->a.grad(), at::matmul(at::matmul(g, b).t(), rows) * (5.0 / 3.0)));
}

TEST_F(Lora, RecomputedBlocksGiveTheSameGradients) {
  draw_b();
  for (auto& parameter : model_->parameters()) parameter.requires_grad_(false);
  const auto parameters = lora_parameters(layers_);
  for (const auto& parameter : parameters) parameter.tensor.requires_grad_();
  const auto gradients = [&](bool recompute) {
    model_->set_recompute(recompute);
    logits(*model_).square().mean().backward();
    std::vector<at::Tensor> found;
    for (const auto& parameter : parameters) {
      found.push_back(parameter.tensor.grad());
      parameter.tensor.mutable_grad() = at::Tensor();
    }
    return found;
  };
  const auto plain = gradients(false), recomputed = gradients(true);
  for (size_t i = 0; i < parameters.size(); ++i) {
    ASSERT_TRUE(plain[i].defined() && recomputed[i].defined()) << parameters[i].name;
    EXPECT_TRUE(test::close(recomputed[i], plain[i])) << parameters[i].name;
  }
}

TEST_F(Lora, StandsOnAProductThatTheLayerHad) {
  /// Twice the layer's own product, in place of a quantised one.
  class Twice : public Product {
   public:
    explicit Twice(const Linear& linear) : linear_(linear) {}
    at::Tensor apply(const at::Tensor& x) const override { return 2.0 * at::linear(x, linear_.weight); }

   private:
    const Linear& linear_;
  };
  const at::NoGradGuard no_grad;
  auto linear = std::make_shared<Linear>(4, 3, false, at::TensorOptions());
  linear->weight.normal_();
  linear->set_product(std::make_shared<Twice>(*linear));
  const auto layers = add_lora(*linear, {""}, {.rank = 2, .alpha = 2});
  initialize_lora(layers, 1);
  layers[0].product->b.normal_();
  const auto x = at::randn({5, 4});
  const auto matrix = 2.0 * linear->weight + at::matmul(layers[0].product->b, layers[0].product->a);
  EXPECT_TRUE(test::close(linear->forward(x), at::linear(x, matrix)));
}

}  // namespace
}  // namespace ccexpert::model

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <ccexpert/model/decoder.h>
#include <ccexpert/model/layers.h>

#include "model/siglip.h"

namespace ccexpert::model {
namespace {

double normal_distribution(double x) {
  return 0.5 * (1.0 + std::erf(x / std::sqrt(2.0)));
}

double sigmoid(double x) {
  return 1.0 / (1.0 + std::exp(-x));
}

double by_formula(Activation activation, double x) {
  switch (activation) {
    case Activation::kGeluTanh:
      return 0.5 * x * (1.0 + std::tanh(std::sqrt(2.0 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
    case Activation::kGelu:
      return x * normal_distribution(x);
    case Activation::kQuickGelu:
      return x * sigmoid(1.702 * x);
    case Activation::kSilu:
      return x * sigmoid(x);
    case Activation::kRelu:
      return std::max(x, 0.0);
  }
  return NAN;
}

TEST(Layers, ActivationsFollowTheirFormulas) {
  const auto x = at::linspace(-4.0, 4.0, 17, at::kDouble);
  for (const auto& each : names_of(Activation{})) {
    const auto y = activate(each.value, x);
    for (int64_t i = 0; i < x.size(0); ++i) {
      EXPECT_NEAR(y[i].item<double>(), by_formula(each.value, x[i].item<double>()), 1e-12)
          << each.text << " of " << x[i].item<double>();
    }
  }
}

TEST(Layers, AnActivationKeepsTheDtype) {
  for (const auto& each : names_of(Activation{}))
    EXPECT_EQ(activate(each.value, at::ones({2}, at::kBFloat16)).dtype(), at::kBFloat16) << each.text;
}

/// Returns the output of a block with equal weights for each activation.
template <class Block, class Config, class Run>
at::Tensor output_with(Activation activation, Config config, const Run& run) {
  config.hidden_act = activation;
  const at::NoGradGuard no_grad;
  Block block(config, {});
  at::manual_seed(5);
  for (auto& parameter : block.parameters()) parameter.normal_(0.0, 0.3);
  return run(block);
}

TEST(Layers, BlocksApplyTheActivationOfTheirConfig) {
  const auto x = at::linspace(-1.0, 1.0, 3 * 8).view({1, 3, 8});
  const VisionConfig vision{.hidden_size = 8, .intermediate_size = 16, .num_attention_heads = 2};
  const auto tower = [&](Activation activation) {
    return output_with<SiglipBlock>(activation, vision, [&](auto& block) { return block.forward(x); });
  };
  const DecoderConfig sizes{
      .hidden_size = 8, .intermediate_size = 16, .num_attention_heads = 2, .num_key_value_heads = 1};
  DecoderPass pass;
  pass.cosine = at::ones({1, 1, 3, 2});
  pass.sine = at::zeros({1, 1, 3, 2});
  const auto decoder = [&](Activation activation) {
    return output_with<DecoderBlock>(activation, sizes,
                                     [&](auto& block) { return block.forward(x, pass, 0); });
  };
  EXPECT_TRUE(tower(Activation::kGeluTanh).equal(tower(Activation::kGeluTanh)));
  EXPECT_FALSE(tower(Activation::kGeluTanh).allclose(tower(Activation::kRelu)));
  EXPECT_FALSE(decoder(Activation::kSilu).allclose(decoder(Activation::kRelu)));
}

}  // namespace
}  // namespace ccexpert::model

// The optimiser in one process against LibTorch's AdamW.
#include "train/sharded_adamw.h"

#include <cmath>
#include <limits>

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adamw.h>

#include "support/errors.h"
#include "support/fresh_memory.h"
#include "train/tiny_run.h"

namespace ccexpert::train {
namespace {

using test::same_weights;
using test::weights_of;

/// Both compute in float32; they differ in the order of a few operations.
constexpr test::Tolerance kSteps{2e-6, 2e-6};

/// Parameters of awkward sizes, and a loss whose gradients differ from step to step.
class Waves : public torch::nn::Module {
 public:
  explicit Waves(at::ScalarType type = at::kFloat) {
    auto generator = at::detail::createCPUGenerator(4);
    int64_t number = 0;
    for (const auto& sizes : std::vector<std::vector<int64_t>>{{3, 5}, {7}, {64, 2}, {1}, {130}}) {
      register_parameter(fmt::format("p{}", number++),
                         at::empty(sizes, at::kFloat).normal_(0.0, 1.0, generator).to(type));
    }
  }
  at::Tensor loss(double batch) const {
    at::Tensor sum;
    double frequency = 1.0 + 0.1 * batch;
    for (const auto& parameter : parameters()) {
      const auto part = (parameter * frequency).sin().sum();
      sum = sum.defined() ? sum + part : part;
      frequency += 0.3;
    }
    return sum;
  }
};

std::vector<TrainableParameter> trainable(torch::nn::Module& module, const std::vector<double>& factors,
                                          double decay) {
  std::vector<TrainableParameter> parameters;
  for (const auto& item : module.named_parameters()) {
    const double factor = factors[parameters.size() % factors.size()];
    parameters.push_back({item.key(), item.value(), factor, factor == 1.0 ? decay : 0.0});
  }
  return parameters;
}

struct Variant {
  const char* name;
  std::vector<double> factors;
  double decay;
  double clip_norm;
  int64_t bucket_elements;
  int micro;
};

class AgainstTorch : public ::testing::TestWithParam<Variant> {
 protected:
  /// Returns LibTorch's optimiser with the same groups.
  static std::unique_ptr<torch::optim::AdamW> torchs(Waves& module, double rate) {
    const auto& variant = GetParam();
    std::vector<torch::optim::OptimizerParamGroup> groups;
    for (const auto& parameter : trainable(module, variant.factors, variant.decay)) {
      auto options = std::make_unique<torch::optim::AdamWOptions>(rate * parameter.lr_factor);
      options->weight_decay(parameter.weight_decay);
      groups.emplace_back(std::vector<at::Tensor>{parameter.tensor}, std::move(options));
    }
    return std::make_unique<torch::optim::AdamW>(groups, torch::optim::AdamWOptions(rate).weight_decay(0.0));
  }
};

INSTANTIATE_TEST_SUITE_P(Variants, AgainstTorch,
                         ::testing::Values(Variant{"plain", {1.0}, 0.0, 0.0, 1'000'000, 1},
                                           Variant{"a_bucket_each", {1.0}, 0.0, 0.0, 1, 1},
                                           Variant{"weight_decay", {1.0}, 0.1, 0.0, 100, 1},
                                           Variant{"factors", {1.0, 0.2}, 0.05, 0.0, 1'000'000, 1},
                                           Variant{"clipped", {1.0}, 0.0, 0.5, 64, 1},
                                           Variant{"clip_out_of_reach", {1.0}, 0.0, 1e6, 64, 1},
                                           Variant{"micro_batches", {1.0, 0.5}, 0.1, 0.5, 100, 3}),
                         [](const auto& variant) { return std::string(variant.param.name); });

TEST_P(AgainstTorch, WeightsAreTheSameAfterEverySteps) {
  const auto& variant = GetParam();
  const auto alone = distributed::single_process();
  Waves ours, theirs;
  ShardedAdamW optimizer(trainable(ours, variant.factors, variant.decay),
                         {.clip_norm = variant.clip_norm, .bucket_elements = variant.bucket_elements},
                         *alone);
  constexpr double kRate = 0.02;
  const auto reference = torchs(theirs, kRate);
  for (int step = 0; step < 8; ++step) {
    reference->zero_grad();
    for (int micro = 0; micro < variant.micro; ++micro) {
      optimizer.begin_backward(micro + 1 == variant.micro);
      ours.loss(3.0 * step + micro).backward();
      optimizer.end_backward();
      theirs.loss(3.0 * step + micro).backward();
    }
    const double most = variant.clip_norm > 0.0 ? variant.clip_norm : 1e9;
    const double norm = torch::nn::utils::clip_grad_norm_(theirs.parameters(), most);
    reference->step();
    const auto outcome = optimizer.step(kRate);
    EXPECT_NEAR(outcome.grad_norm, norm, 1e-4 * norm);
    EXPECT_FALSE(outcome.skipped);
    ASSERT_TRUE(same_weights(weights_of(ours), weights_of(theirs), kSteps)) << "step " << step;
  }
  EXPECT_EQ(optimizer.steps(), 8);
}

class Alone : public ::testing::Test {
 protected:
  void backward(ShardedAdamW& optimizer, const at::Tensor& loss) {
    optimizer.begin_backward(true);
    loss.backward();
    optimizer.end_backward();
  }
  std::unique_ptr<distributed::Communicator> alone_ = distributed::single_process();
};

/// Longer than the rows of the norm's summation and not a multiple of them; ones and twos.
TEST_F(Alone, TheNormCountsEveryElementOfALongParameter) {
  torch::nn::Module module;
  auto& parameter = module.register_parameter("p", at::zeros({3 * 4096 + 1000}));
  const auto gradient = at::ones_like(parameter);
  gradient.slice(0, 3 * 4096).fill_(2.0);
  ShardedAdamW optimizer(trainable(module, {1.0}, 0.0), {}, *alone_);
  backward(optimizer, (parameter * gradient).sum());
  EXPECT_NEAR(optimizer.step(0.01).grad_norm, std::sqrt(3 * 4096 + 4 * 1000), 1e-6);
}

TEST_F(Alone, AGradientThatIsNotFiniteChangesNothing) {
  for (const double bad : {std::numeric_limits<double>::infinity(), std::nan("")}) {
    Waves waves, twin;
    ShardedAdamW optimizer(trainable(waves, {1.0}, 0.1), {}, *alone_);
    ShardedAdamW twins(trainable(twin, {1.0}, 0.1), {}, *alone_);
    backward(optimizer, waves.loss(0));
    optimizer.step(0.01);
    backward(twins, twin.loss(0));
    twins.step(0.01);
    const auto before = weights_of(waves);
    backward(optimizer, waves.loss(1) * bad);
    const auto outcome = optimizer.step(0.01);
    EXPECT_TRUE(outcome.skipped);
    EXPECT_FALSE(std::isfinite(outcome.grad_norm));
    EXPECT_TRUE(same_weights(weights_of(waves), before));
    EXPECT_EQ(optimizer.steps(), 1);
    // The next step behaves as if the skipped one had not happened.
    backward(optimizer, waves.loss(2));
    backward(twins, twin.loss(2));
    EXPECT_FALSE(optimizer.step(0.01).skipped);
    twins.step(0.01);
    EXPECT_TRUE(same_weights(weights_of(waves), weights_of(twin)));
  }
}

/// Loss whose gradients are the same in every dtype, for any weights.
at::Tensor slope(const torch::nn::Module& module, int step) {
  at::Tensor sum;
  for (const auto& parameter : module.parameters()) {
    const auto weights = (at::arange(parameter.numel()).remainder(5) - 1.5 + step % 3).to(parameter.dtype());
    const auto part = (parameter.flatten() * weights).sum().to(at::kFloat);
    sum = sum.defined() ? sum + part : part;
  }
  return sum;
}

TEST_F(Alone, HalfPrecisionIsRoundedFromFloat32Weights) {
  Waves half(at::kBFloat16), full;
  {
    const at::NoGradGuard no_grad;
    auto start = half.named_parameters();
    for (auto& item : full.named_parameters()) item.value().copy_(start[item.key()]);
  }
  ShardedAdamW optimizer(trainable(half, {1.0}, 0.0), {.clip_norm = 0.0, .bucket_elements = 100}, *alone_);
  ShardedAdamW reference(trainable(full, {1.0}, 0.0), {.clip_norm = 0.0, .bucket_elements = 100}, *alone_);
  const auto before = weights_of(half);
  for (int step = 0; step < 40; ++step) {
    // A single step is lost in bfloat16's 8 bits.
    backward(optimizer, slope(half, step));
    backward(reference, slope(full, step));
    optimizer.step(1e-4);
    reference.step(1e-4);
  }
  auto expected = weights_of(full);
  for (auto& [name, tensor] : expected) tensor = tensor.to(at::kBFloat16);
  EXPECT_TRUE(same_weights(weights_of(half), expected));
  EXPECT_FALSE(same_weights(weights_of(half), before));
}

TEST_F(Alone, WhatTheLossDoesNotSeeStays) {
  Waves waves;
  ShardedAdamW optimizer(trainable(waves, {1.0}, 0.0), {.bucket_elements = 64}, *alone_);
  const auto before = weights_of(waves);
  backward(optimizer, waves.named_parameters()["p2"].sin().sum());
  optimizer.step(0.01);
  for (const auto& [name, tensor] : weights_of(waves)) {
    EXPECT_EQ(at::equal(tensor, before.at(name)), name != "p2") << name;
  }
}

/// Three micro-batches that use different parameters; one parameter is never used.
TEST_F(Alone, MicroBatchesMaySeeDifferentParameters) {
  const test::FreshMemoryIsNan fresh;
  ASSERT_TRUE(std::isnan(at::empty({1}).item<float>()));
  Waves ours, theirs;
  ShardedAdamW optimizer(trainable(ours, {1.0}, 0.0), {.bucket_elements = 64}, *alone_);
  torch::optim::AdamW reference(theirs.parameters(), torch::optim::AdamWOptions(0.01).weight_decay(0.0));
  for (int step = 0; step < 2; ++step) {
    reference.zero_grad();
    for (const std::vector<std::string>& seen :
         {std::vector<std::string>{"p2"}, {"p0", "p4"}, {"p2", "p4", "p1"}}) {
      const auto loss = [&](torch::nn::Module& module) {
        auto sum = at::zeros({});
        for (const auto& name : seen) sum = sum + module.named_parameters()[name].sin().sum();
        return sum;
      };
      backward(optimizer, loss(ours));
      loss(theirs).backward();
    }
    const double norm = torch::nn::utils::clip_grad_norm_(theirs.parameters(), 1e9);
    EXPECT_NEAR(optimizer.step(0.01).grad_norm, norm, 1e-5 * norm);
    reference.step();
    ASSERT_TRUE(same_weights(weights_of(ours), weights_of(theirs), kSteps)) << "step " << step;
  }
}

TEST_F(Alone, StateGoesOnInAnother) {
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    Waves waves(type);
    const AdamWOptions options{.bucket_elements = 100};
    ShardedAdamW optimizer(trainable(waves, {1.0}, 0.1), options, *alone_);
    for (int step = 0; step < 3; ++step) {
      backward(optimizer, waves.loss(step));
      optimizer.step(0.01);
    }
    Waves other(type);
    {
      const at::NoGradGuard no_grad;
      auto values = waves.named_parameters();
      for (auto& item : other.named_parameters()) item.value().copy_(values[item.key()]);
    }
    ShardedAdamW second(trainable(other, {1.0}, 0.1), options, *alone_);
    std::map<std::string, at::Tensor> state;
    for (const auto& item : optimizer.state()) state[item.name] = item.tensor.clone();
    EXPECT_EQ(state.contains("bucket0.weights"), type == at::kBFloat16);
    second.restore(3, [&](size_t bucket, const std::string& part, int64_t begin, int64_t end) {
      return state.at(fmt::format("bucket{}.{}", bucket, part)).slice(0, begin, end);
    });
    EXPECT_EQ(second.steps(), 3);
    for (auto* each : {&optimizer, &second}) {
      backward(*each, (each == &second ? other : waves).loss(9));
      each->step(0.01);
    }
    EXPECT_TRUE(same_weights(weights_of(other), weights_of(waves)));
  }
}

TEST_F(Alone, LayoutNamesEveryParameterOnce) {
  Waves waves;
  ShardedAdamW optimizer(trainable(waves, {1.0}, 0.0), {.bucket_elements = 140}, *alone_);
  const auto layout = optimizer.layout();
  std::vector<std::string> names;
  std::vector<int64_t> sizes;
  for (const auto& bucket : layout) {
    EXPECT_LE(bucket.elements, 140);
    EXPECT_EQ(bucket.begin, 0);
    EXPECT_EQ(bucket.end, bucket.elements);
    names.insert(names.end(), bucket.names.begin(), bucket.names.end());
    sizes.push_back(bucket.elements);
  }
  EXPECT_THAT(names, ::testing::ElementsAre("p4", "p3", "p2", "p1", "p0"));
  // p1 starts at 128, after p2; p3, after p4's 130, would start at 192.
  EXPECT_THAT(sizes, ::testing::ElementsAre(130, 1, 128 + 7, 3 * 5));
  // Gradient and two moments in float32, buckets padded to multiples of 64 elements.
  EXPECT_EQ(optimizer.bytes(), 4 * 3 * (192 + 64 + 192 + 64));
}

TEST_F(Alone, EveryParameterLiesAligned) {
  Waves waves(at::kBFloat16);
  const ShardedAdamW optimizer(trainable(waves, {1.0}, 0.0), {.bucket_elements = 1000}, *alone_);
  ASSERT_EQ(optimizer.layout().size(), 1);
  const auto start = reinterpret_cast<uintptr_t>(waves.parameters().back().data_ptr());
  for (const auto& item : waves.named_parameters()) {
    EXPECT_EQ((reinterpret_cast<uintptr_t>(item.value().data_ptr()) - start) % 128, 0) << item.key();
  }
}

TEST_F(Alone, ItsEndLeavesUsualParameters) {
  Waves waves;
  { const ShardedAdamW optimizer(trainable(waves, {1.0}, 0.0), {}, *alone_); }
  waves.loss(0).backward();
  for (const auto& parameter : waves.parameters()) EXPECT_TRUE(parameter.grad().defined());
}

TEST_F(Alone, AnUnknownStageIsRefused) {
  Waves waves;
  EXPECT_EQ(test::error_of([&] { ShardedAdamW(trainable(waves, {1.0}, 0.0), {.zero = 3}, *alone_); }),
            "zero: expected 0, 1 or 2, got 3");
}

}  // namespace
}  // namespace ccexpert::train

// Runners of blocks: every part asks its runner, and gradient checkpointing changes no gradient.
#include <map>

#include <ATen/CPUGeneratorImpl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ccexpert/model/block_runner.h>

#include "model/tiny_checkpoint.h"

namespace ccexpert::model {
namespace {

using ::testing::Each;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr int64_t kImageTokens = 36;
/// Gradients of a tensor that a block reads several times are summed in another order.
constexpr test::Tolerance kSumOrder{1e-6, 1e-5};

/// Counts the calls of each block.
class CountingRunner : public PlainRunner {
 public:
  TensorList run(const Block& block, const TensorList& inputs) const override {
    ++calls[&block.parameters];
    repeatable = repeatable && block.repeatable;
    return PlainRunner::run(block, inputs);
  }

  mutable std::map<const torch::nn::Module*, int> calls;
  mutable bool repeatable = true;
};

at::Tensor some_pixels() {
  auto generator = at::detail::createCPUGenerator(5);
  return at::empty({2, 3, 84, 84}).normal_(0.0, 1.0, generator);
}

/// Runs all three parts on one pair, to a scalar.
at::Tensor scalar_of(const CcexpertModel& model) {
  const auto images = model.encode_images(some_pixels());
  const auto prompt = model.splice({{5, -200, 6, -200, 7}}, images.tokens);
  return model.decoder().forward(prompt.embeddings).pow(2).mean() + images.change.mean();
}

std::map<std::string, at::Tensor> gradients_of(CcexpertModel& model, const BlockRunnerRef& runner) {
  model.set_runner(runner);
  model.zero_grad();
  scalar_of(model).backward();
  std::map<std::string, at::Tensor> gradients;
  for (const auto& item : model.named_parameters()) {
    if (item.value().grad().defined()) gradients[item.key()] = item.value().grad().clone();
  }
  return gradients;
}

class BlockRunnerTest : public ::testing::Test {
 protected:
  std::shared_ptr<CcexpertModel> model_ = test::build(test::open_tiny());
};

TEST_F(BlockRunnerTest, SeesEveryBlockOfTheThreePartsOnce) {
  const auto runner = std::make_shared<CountingRunner>();
  model_->set_runner(runner);
  scalar_of(*model_);
  const auto& config = model_->config();
  const auto blocks =
      model_->vision().depth() + config.diff_expert->per_expert_depth + config.decoder.num_hidden_layers;
  EXPECT_THAT(runner->calls, SizeIs(static_cast<size_t>(blocks)));
  EXPECT_THAT(runner->calls, Each(Pair(::testing::_, 1)));
  EXPECT_TRUE(runner->repeatable);
}

TEST_F(BlockRunnerTest, LearnsThatABlockWithACacheIsNotRepeatable) {
  const at::NoGradGuard no_grad;
  const auto runner = std::make_shared<CountingRunner>();
  model_->set_runner(runner);
  KvCache cache(model_->config().decoder.num_hidden_layers, kImageTokens);
  model_->decoder().forward(at::ones({1, 3, model_->config().decoder.hidden_size}), &cache);
  EXPECT_FALSE(runner->repeatable);
}

TEST_F(BlockRunnerTest, RecomputedGradientsEqualPlainOnes) {
  const auto plain = gradients_of(*model_, std::make_shared<PlainRunner>());
  const auto recomputed = gradients_of(*model_, std::make_shared<RecomputingRunner>());
  ASSERT_EQ(recomputed.size(), plain.size());
  EXPECT_GT(plain.size(), 190u);
  for (const auto& [name, gradient] : plain)
    EXPECT_TRUE(test::close(recomputed.at(name), gradient, kSumOrder)) << name;
}

/// Returns how often a block is computed in a forward and a backward pass.
int computations(bool repeatable) {
  int calls = 0;
  const torch::nn::Module none;
  const auto compute = [&calls](const TensorList& inputs) {
    ++calls;
    return TensorList{inputs[0] * inputs[0]};
  };
  const auto x = at::full({1}, 3.0).requires_grad_();
  const auto y =
      RecomputingRunner().run({.compute = compute, .parameters = none, .repeatable = repeatable}, {x});
  y[0].sum().backward();
  EXPECT_EQ(x.grad().item<double>(), 6.0);
  return calls;
}

TEST(RecomputingRunner, ComputesARepeatableBlockTwice) {
  EXPECT_EQ(computations(true), 2);
  EXPECT_EQ(computations(false), 1);
}

}  // namespace
}  // namespace ccexpert::model

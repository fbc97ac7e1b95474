// Products of one input with one gradient of it, against separate products.
#include "kernels/joint_products.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "support/golden.h"

namespace ccexpert::kernels {
namespace {

/// Three matrices of unlike heights, the second without a bias, and an input [2,7,12].
class JointProducts : public ::testing::Test {
 protected:
  JointProducts() {
    for (const int64_t rows : {12, 4, 20}) {
      factors_.push_back({random({rows, 12}).requires_grad_(), random({rows}).requires_grad_()});
      gradients_.push_back(random({2, 7, rows}));
    }
    factors_[1].bias = at::Tensor();
  }

  at::Tensor random(at::IntArrayRef shape) {
    return at::empty(shape, at::kDouble).normal_(0.0, 1.0, generator_);
  }

  std::vector<at::Tensor> separate() const {
    std::vector<at::Tensor> results;
    for (const auto& factor : factors_) {
      results.push_back(
          at::linear(x_, factor.matrix, factor.bias.defined() ? std::optional(factor.bias) : std::nullopt));
    }
    return results;
  }

  std::vector<at::Tensor> leaves() const {
    std::vector<at::Tensor> all{x_};
    for (const auto& factor : factors_) {
      all.push_back(factor.matrix);
      if (factor.bias.defined()) all.push_back(factor.bias);
    }
    return all;
  }

  /// Returns the gradients of all leaves, undefined for those without one.
  std::vector<at::Tensor> gradients_of(const std::vector<at::Tensor>& results) const {
    at::Tensor loss;
    for (size_t i = 0; i < results.size(); ++i) {
      const auto part = (results[i] * gradients_[i]).sum();
      loss = loss.defined() ? loss + part : part;
    }
    for (auto leaf : leaves()) leaf.mutable_grad() = at::Tensor();
    loss.backward();
    std::vector<at::Tensor> gradients;
    for (const auto& leaf : leaves()) gradients.push_back(leaf.grad());
    return gradients;
  }

  void expect_same_gradients() const {
    const auto expected = gradients_of(separate()), found = gradients_of(joint_products(x_, factors_));
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_EQ(found[i].defined(), expected[i].defined()) << i;
      if (!expected[i].defined()) continue;
      EXPECT_TRUE(test::close(found[i], expected[i], {1e-12, 1e-12})) << i;
    }
  }

  at::Generator generator_ = at::detail::createCPUGenerator(3);
  std::vector<Factor> factors_;
  std::vector<at::Tensor> gradients_;
  at::Tensor x_ = random({2, 7, 12}).requires_grad_();
};

TEST_F(JointProducts, ResultsHaveTheBitsOfSeparateProducts) {
  const auto expected = separate(), found = joint_products(x_, factors_);
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(at::equal(found[i], expected[i])) << i;
}

TEST_F(JointProducts, GradientsAreThoseOfSeparateProducts) {
  expect_same_gradients();
}

TEST_F(JointProducts, FrozenOperandsGetNoGradient) {
  factors_[0].matrix.set_requires_grad(false);
  factors_[2].bias.set_requires_grad(false);
  expect_same_gradients();
  x_.set_requires_grad(false);
  expect_same_gradients();
}

TEST_F(JointProducts, KeepTheirInputOnlyForAGradientOfAMatrix) {
  for (const bool trained : {false, true}) {
    for (auto& factor : factors_) factor.matrix.requires_grad_(trained);
    const auto input = x_ * 2.0;
    const auto owners = input.use_count();
    const auto results = joint_products(input, factors_);
    EXPECT_EQ(input.use_count() > owners, trained);
    x_.mutable_grad() = at::Tensor();
    results[0].sum().backward();
    EXPECT_EQ(x_.grad().sizes(), x_.sizes());
  }
}

TEST_F(JointProducts, AResultThatIsNotUsedAddsNothing) {
  gradients_[0].zero_();
  const auto expected = gradients_of(separate());
  const auto results = joint_products(x_, factors_);
  for (auto leaf : leaves()) leaf.mutable_grad() = at::Tensor();
  ((results[1] * gradients_[1]).sum() + (results[2] * gradients_[2]).sum()).backward();
  EXPECT_TRUE(test::close(x_.grad(), expected[0], {1e-12, 1e-12}));
}

TEST_F(JointProducts, ACpuKeepsItsSeparateProducts) {
  EXPECT_FALSE(joins_products(x_));
}

}  // namespace
}  // namespace ccexpert::kernels

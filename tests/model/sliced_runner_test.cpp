// Blocks that run for one row of a batch after the other.
#include "model/sliced_runner.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <ccexpert/model/layers.h>

namespace ccexpert::model {
namespace {

class Sliced : public ::testing::Test {
 protected:
  /// Runs a block that gives 2 a and, in another shape, a + b.
  TensorList run(bool repeatable) {
    const auto compute = [this](const TensorList& inputs) {
      sizes_.push_back(inputs[0].size(0));
      return TensorList{inputs[0] * 2, (inputs[0] + inputs[1]).sum(1)};
    };
    const ModuleGroup no_parameters;
    return SlicedRunner().run({.compute = compute, .parameters = no_parameters, .repeatable = repeatable},
                              {a_, b_});
  }

  at::Tensor a_ = at::arange(12.0).view({3, 4}), b_ = at::ones({3, 4});
  std::vector<int64_t> sizes_;
};

TEST_F(Sliced, GivesTheResultsOfTheWholeBatch) {
  const at::NoGradGuard no_grad;
  const auto results = run(true);
  EXPECT_EQ(sizes_, (std::vector<int64_t>{1, 1, 1}));
  ASSERT_EQ(results.size(), 2U);
  EXPECT_TRUE(at::equal(results[0], a_ * 2));
  EXPECT_TRUE(at::equal(results[1], (a_ + b_).sum(1)));
}

TEST_F(Sliced, RunsWholeWithGradientsOrIfNotRepeatable) {
  run(true);
  EXPECT_EQ(sizes_, std::vector<int64_t>{3});
  const at::NoGradGuard no_grad;
  run(false);
  EXPECT_EQ(sizes_, (std::vector<int64_t>{3, 3}));
}

}  // namespace
}  // namespace ccexpert::model

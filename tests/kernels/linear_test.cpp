// Products of 16 bits in float32 by blocks, against the same products in float64.
#include "kernels/linear.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/InferenceMode.h>
#include <gtest/gtest.h>

#include "kernels/attention.h"
#include "kernels/few_rows.h"
#include "kernels/onednn_product.h"
#include "support/environment.h"
#include "support/errors.h"
#include "support/fresh_memory.h"
#include "support/golden.h"

namespace ccexpert::kernels {
namespace {

using test::close;
using test::Tolerance;

at::Tensor random(at::IntArrayRef shape, uint64_t seed) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::empty(shape).normal_(0.0, 1.0, generator);
}

/// One rounding of the result, of half a place: 2^-9 of the power of two above it in bfloat16, 2^-12 in
/// float16.
Tolerance one_rounding(at::ScalarType dtype) {
  return dtype == at::kHalf ? Tolerance{1e-5, 4.9e-4} : Tolerance{1e-5, 3.95e-3};
}

class LinearByBlocks : public ::testing::TestWithParam<at::ScalarType> {
 protected:
  at::Tensor values(at::IntArrayRef shape, uint64_t seed) const { return random(shape, seed).to(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Dtypes, LinearByBlocks, ::testing::Values(at::kBFloat16, at::kHalf),
                         [](const auto& test) { return std::string(at::toString(test.param)); });

/// Several blocks, the last one smaller.
constexpr WeightBlock kSmall{.weights = 1, .features = 1};

TEST_P(LinearByBlocks, IsTheExactProductRoundedOnce) {
  const test::FreshMemoryIsNan fresh;  // blocks are written into reused memory
  for (const int64_t rows : {1, 3, 8, 9, 70}) {
    const auto x = values({rows, 130}, 1), matrix = values({150, 130}, 2), bias = values({150}, 3);
    for (const auto& added : {bias, at::Tensor()}) {
      const auto result = linear_by_blocks(x, matrix, added, kSmall);
      const auto wide = added.defined() ? added.to(at::kDouble) : at::zeros({150}, at::kDouble);
      EXPECT_EQ(result.scalar_type(), GetParam());
      EXPECT_TRUE(close(result, at::linear(x.to(at::kDouble), matrix.to(at::kDouble), wide),
                        one_rounding(GetParam())))
          << rows << " rows";
    }
  }
}

TEST_P(LinearByBlocks, KeepsTheShapeOfItsInput) {
  const auto x = values({2, 3, 16}, 1), matrix = values({5, 16}, 2);
  EXPECT_EQ(linear_by_blocks(x, matrix, {}).sizes(), at::IntArrayRef({2, 3, 5}));
  EXPECT_EQ(linear_by_blocks(x.transpose(0, 1), matrix, {}).sizes(), at::IntArrayRef({3, 2, 5}));
}

TEST_P(LinearByBlocks, HasTheGradientsOfTheExactProduct) {
  const test::FreshMemoryIsNan fresh;
  const auto weights = values({2, 35, 150}, 4);
  const auto run = [&](at::ScalarType dtype, const auto& product) {
    const auto leaf = [&](const at::Tensor& of) { return of.to(dtype).detach().requires_grad_(true); };
    const auto x = leaf(values({2, 35, 130}, 1)), matrix = leaf(values({150, 130}, 2)),
               bias = leaf(values({150}, 3));
    (product(x, matrix, bias) * weights.to(dtype)).sum().backward();
    return std::vector<at::Tensor>{x.grad(), matrix.grad(), bias.grad()};
  };
  const auto found = run(GetParam(), [](const auto& x, const auto& matrix, const auto& bias) {
    return linear_by_blocks(x, matrix, bias, kSmall);
  });
  const auto expected = run(at::kDouble, [](const auto& x, const auto& matrix, const auto& bias) {
    return at::linear(x, matrix, bias);
  });
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(found[i].scalar_type(), GetParam());
    EXPECT_TRUE(close(found[i], expected[i], {1e-4, 4.0 * one_rounding(GetParam()).relative})) << i;
  }
}

TEST_P(LinearByBlocks, GivesOnlyGradientsThatAreWanted) {
  const auto x = values({9, 16}, 1).requires_grad_(true), frozen = values({5, 16}, 2);
  linear_by_blocks(x, frozen, {}).sum().backward();
  EXPECT_TRUE(close(x.grad(), frozen.to(at::kDouble).sum(0).expand({9, 16}), {0.02, 0.01}));
  const auto matrix = values({5, 16}, 3).requires_grad_(true);
  linear_by_blocks(values({9, 16}, 4), matrix, {}).sum().backward();
  EXPECT_TRUE(matrix.grad().defined());
}

TEST_P(LinearByBlocks, KeepsItsInputOnlyForAGradientOfTheMatrix) {
  for (const bool trained : {false, true}) {
    const auto leaf = values({9, 16}, 1).requires_grad_(true);
    const auto x = leaf * 2.0, matrix = values({5, 16}, 2).requires_grad_(trained);
    const auto owners = x.storage().use_count();
    const auto result = linear_by_blocks(x, matrix, {});
    EXPECT_EQ(x.storage().use_count() > owners, trained);
  }
}

TEST(FewRows, WidenEveryValueOfBfloat16) {
  const auto all = at::arange(65'536, at::kInt).to(at::kShort).view(at::kBFloat16).view({65'536, 1});
  for (const int64_t rows : {1, 2}) {
    const auto found = multiply_few_rows(at::ones({rows, 1}), all)[0];
    EXPECT_TRUE(at::equal(found.nan_to_num(7.5), all.flatten().to(at::kFloat).nan_to_num(7.5)));
  }
}

TEST(FewRows, RefuseAnotherNumberOfInputs) {
  const auto matrix = at::ones({6, 40}, at::kBFloat16);
  EXPECT_EQ(test::error_of([&] {
              multiply_few_rows(at::ones({2, 33}), matrix);
            }),
            "few rows: expected x [M,40], got [2,33]");
}

TEST(FewRows, ReadRowsOfASliceToo) {
  const auto matrix = random({6, 40}, 1).to(at::kBFloat16).narrow(1, 3, 33);
  for (const int64_t rows : {1, 2}) {
    const auto x = random({rows, 33}, 2);
    EXPECT_TRUE(close(multiply_few_rows(x, matrix), at::linear(x, matrix.to(at::kFloat))));
  }
}

TEST(Linear, GoesByBlocksOnALevelWithoutInstructions) {
  const test::Environment level("CCEXPERT_CPU", "avx2");
  EXPECT_TRUE(multiplies_by_blocks(at::kBFloat16));
  EXPECT_TRUE(multiplies_by_blocks(at::kHalf));
  EXPECT_FALSE(multiplies_by_blocks(at::kFloat));
  const auto x = random({20, 64}, 1).to(at::kBFloat16), matrix = random({70, 64}, 2).to(at::kBFloat16);
  EXPECT_TRUE(at::equal(linear_product(x, matrix), linear_by_blocks(x, matrix, {})));
}

TEST(Linear, MultipliesARowOfBfloat16WithoutAGradientByOurs) {
  const c10::InferenceMode inference;
  const auto x = random({1, 1, 96}, 1).to(at::kBFloat16), matrix = random({70, 96}, 2).to(at::kBFloat16),
             bias = random({70}, 3).to(at::kBFloat16);
  const auto ours = multiply_few_rows(x.view({1, 96}).to(at::kFloat), matrix);
  EXPECT_TRUE(at::equal(linear_product(x, matrix, bias),
                        (ours + bias.to(at::kFloat)).to(at::kBFloat16).view({1, 1, 70})));
  EXPECT_TRUE(at::equal(linear_product(x, matrix), ours.to(at::kBFloat16).view({1, 1, 70})));
}

TEST(Linear, IsLibTorchsWithInstructions) {
  const auto x = random({20, 64}, 1), matrix = random({70, 64}, 2), bias = random({70}, 3);
  EXPECT_TRUE(at::equal(linear_product(x, matrix, bias), multiplies_by_onednn()
                                                             ? onednn_linear(x, matrix, bias)
                                                             : at::linear(x, matrix, bias)));
  const auto half = [](const at::Tensor& of) { return of.to(at::kBFloat16); };
  if (multiplies_by_blocks(at::kBFloat16)) GTEST_SKIP() << "this machine has no products of bfloat16";
  EXPECT_TRUE(at::equal(linear_product(half(x), half(matrix), half(bias)),
                        at::linear(half(x), half(matrix), half(bias))));
}

/// Rounding of float32 over some hundred terms.
constexpr Tolerance kFloat32{1e-4, 1e-5};

TEST(OnednnLinear, IsTheExactProduct) {
  if (!at::hasMKLDNN()) GTEST_SKIP() << "this LibTorch has no oneDNN";
  const test::FreshMemoryIsNan fresh;
  for (const int64_t rows : {0, 1, 3, 70}) {
    const auto x = random({rows, 130}, 1), matrix = random({150, 130}, 2), bias = random({150}, 3);
    const auto exact = at::matmul(x.to(at::kDouble), matrix.to(at::kDouble).t());
    EXPECT_TRUE(close(onednn_linear(x, matrix, bias), exact + bias, kFloat32)) << rows;
    EXPECT_TRUE(close(onednn_linear(x, matrix), exact, kFloat32)) << rows;
  }
}

TEST(OnednnLinear, ReadsAnyStridesAndKeepsTheShape) {
  if (!at::hasMKLDNN()) GTEST_SKIP() << "this LibTorch has no oneDNN";
  const auto x = random({2, 3, 16}, 1), matrix = random({7, 20}, 2).narrow(1, 3, 16);
  for (const auto& strided : {x, x.transpose(0, 1)}) {
    EXPECT_TRUE(close(onednn_linear(strided, matrix), at::linear(strided, matrix), kFloat32));
  }
}

TEST(OnednnLinear, HasTheGradientsOfTheExactProduct) {
  if (!at::hasMKLDNN()) GTEST_SKIP() << "this LibTorch has no oneDNN";
  const auto run = [](at::ScalarType dtype, bool by_onednn) {
    const auto leaf = [&](at::IntArrayRef shape, uint64_t seed) {
      return random(shape, seed).to(dtype).requires_grad_(true);
    };
    const auto x = leaf({2, 35, 130}, 1), matrix = leaf({150, 130}, 2), bias = leaf({150}, 3);
    const auto result = by_onednn ? onednn_linear(x, matrix, bias) : at::linear(x, matrix, bias);
    (result * random({2, 35, 150}, 4).to(dtype)).sum().backward();
    return std::vector<at::Tensor>{x.grad(), matrix.grad(), bias.grad()};
  };
  const auto found = run(at::kFloat, true), expected = run(at::kDouble, false);
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_TRUE(close(found[i], expected[i], kFloat32)) << i;
}

TEST(OnednnLinear, OfNoRowsHasGradientsOfZero) {
  if (!at::hasMKLDNN()) GTEST_SKIP() << "this LibTorch has no oneDNN";
  const auto x = at::ones({0, 16}).requires_grad_(true), matrix = random({5, 16}, 2).requires_grad_(true);
  onednn_linear(x, matrix).sum().backward();
  EXPECT_TRUE(at::equal(matrix.grad(), at::zeros({5, 16})));
  EXPECT_EQ(x.grad().sizes(), at::IntArrayRef({0, 16}));
}

TEST(OnednnLinear, GivesOnlyGradientsThatAreWanted) {
  if (!at::hasMKLDNN()) GTEST_SKIP() << "this LibTorch has no oneDNN";
  const auto x = random({9, 16}, 1).requires_grad_(true), frozen = random({5, 16}, 2);
  onednn_linear(x, frozen).sum().backward();
  EXPECT_TRUE(close(x.grad(), frozen.sum(0).expand({9, 16}), kFloat32));
  const auto matrix = random({5, 16}, 3).requires_grad_(true), input = random({9, 16}, 4);
  onednn_linear(input, matrix).sum().backward();
  EXPECT_TRUE(close(matrix.grad(), input.sum(0).expand({5, 16}), kFloat32));
}

TEST(Attention, IsComputedInFloat32OnALevelWithoutInstructions) {
  const test::Environment level("CCEXPERT_CPU", "avx2");
  for (const auto dtype : {at::kBFloat16, at::kHalf}) {
    const auto q = random({2, 4, 40, 16}, 1).to(dtype), k = random({2, 2, 40, 16}, 2).to(dtype),
               v = random({2, 2, 40, 16}, 3).to(dtype);
    const auto wide = attention(q.to(at::kFloat), k.to(at::kFloat), v.to(at::kFloat), {.causal = true});
    EXPECT_TRUE(at::equal(attention(q, k, v, {.causal = true}), wide.to(dtype)));
  }
}

}  // namespace
}  // namespace ccexpert::kernels

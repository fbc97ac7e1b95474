// Products with weights of 4 bits, against the same products in float64.
#include "kernels/int4_matrix.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include "kernels/cpu_level.h"
#include "support/environment.h"
#include "support/errors.h"
#include "support/golden.h"

namespace ccexpert::kernels {
namespace {

using test::close;

at::Tensor random(at::IntArrayRef shape, uint64_t seed) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::empty(shape).normal_(0.0, 1.0, generator);
}

at::Tensor matrix_of(const Int4Weights& weights) {
  return dequantized_groups(weights, 0, weights.values.size(0));
}

TEST(QuantizeGroups, KeepsMultiplesOfAPowerOfTwo) {
  // -7 to 7 and zeros, once in quarters: bfloat16 holds the scale.
  auto row = at::zeros({1, 64});
  row.narrow(1, 0, 15).copy_(at::arange(-7, 8).unsqueeze(0));
  row.narrow(1, 40, 15).copy_(at::arange(-7, 8).unsqueeze(0) * 0.25);
  const auto weights = quantize_groups(row);
  EXPECT_TRUE(at::equal(weights.scales, at::tensor({1.0F, 0.25F}).to(at::kBFloat16).unsqueeze(0)));
  EXPECT_TRUE(at::equal(matrix_of(weights), row));
  EXPECT_EQ(weights.values[0][0].item<int>(), 1 + 8 * 16) << "-7 in the low bits, the 0 of input 16 above";
}

TEST(QuantizeGroups, RoundsWithinAStep) {
  const auto weights = random({5, 96}, 1);
  const auto found = quantize_groups(weights);
  const auto scales = found.scales.to(at::kFloat).repeat_interleave(kInt4Group, 1);
  EXPECT_TRUE((matrix_of(found) - weights).abs().le(1.01 * scales).all().item<bool>());
  const double error = (matrix_of(found) - weights).norm().item<double>() / weights.norm().item<double>();
  EXPECT_LT(error, 0.1) << "of normal values in 15 steps";
}

TEST(QuantizeGroups, OfZerosAreZeros) {
  const auto found = quantize_groups(at::zeros({2, 64}));
  EXPECT_TRUE(at::equal(matrix_of(found), at::zeros({2, 64})));
  EXPECT_GT(found.scales.to(at::kFloat).min().item<float>(), 0.0F);
}

TEST(MultiplyInt4, IsTheProductWithTheDequantisedMatrix) {
  uint64_t seed = 1;
  for (const int64_t rows : {1, 3, 8, 9, 130}) {
    for (const auto& [inputs, outputs] : {std::pair{32, 1}, std::pair{64, 64}, std::pair{2080, 600}}) {
      const auto x = random({rows, inputs}, seed++), bias = random({outputs}, seed++);
      const auto weights = quantize_groups(random({outputs, inputs}, seed++));
      const auto matrix = matrix_of(weights).to(at::kDouble);
      for (const auto& added : {bias, at::Tensor()}) {
        const auto wide = added.defined() ? added.to(at::kDouble) : at::zeros({outputs}, at::kDouble);
        EXPECT_TRUE(close(multiply_int4(x, weights, added), at::linear(x.to(at::kDouble), matrix, wide)))
            << rows << " rows, " << inputs << " inputs, " << outputs << " outputs";
      }
    }
  }
}

TEST(MultiplyInt4, OfBfloat16IsRoundedToIt) {
  for (const char* level : {"", "avx2"}) {
    const test::Environment forced("CCEXPERT_CPU", level);
    for (const int64_t rows : {2, 19}) {
      const auto x = random({rows, 64}, 7).to(at::kBFloat16), bias = random({70}, 8);
      const auto weights = quantize_groups(random({70, 64}, 9));
      const auto result = multiply_int4(x, weights, bias);
      EXPECT_EQ(result.scalar_type(), at::kBFloat16);
      // Products of bfloat16 round weights, results and the sum with the bias.
      const auto expected = multiply_int4(x.to(at::kFloat), weights, bias);
      EXPECT_TRUE(close(result, expected, {0.1, 0.01})) << level << ", " << rows << " rows";
    }
  }
}

TEST(MultiplyInt4, HasTheSameWeightsForFewRowsAsForMany) {
  const auto weights = quantize_groups(random({70, 64}, 9));
  const auto rows = random({16, 64}, 10).to(at::kBFloat16);
  const auto matrix = multiplies_bfloat16() ? matrix_of(weights).to(at::kBFloat16) : matrix_of(weights);
  const auto exact = at::linear(rows.to(at::kDouble), matrix.to(at::kDouble)).to(at::kBFloat16);
  const auto same = [&](const at::Tensor& found) {
    return found.eq(exact).to(at::kFloat).mean().item<float>();
  };
  // Sums in float32 round a few results to the neighbour.
  EXPECT_GT(same(multiply_int4(rows, weights)), 0.99F);
  EXPECT_GT(same(at::cat({multiply_int4(rows.narrow(0, 0, 8), weights),
                          multiply_int4(rows.narrow(0, 8, 8), weights)})),
            0.99F);
}

TEST(MultiplyInt4, RefusesAnotherNumberOfInputs) {
  const auto weights = quantize_groups(random({70, 64}, 9));
  for (const int64_t rows : {1, 20}) {
    EXPECT_EQ(test::error_of([&] {
                multiply_int4(at::ones({rows, 32}), weights);
              }),
              "int4 product: expected x [M,64], got [" + std::to_string(rows) + ",32]");
  }
}

}  // namespace
}  // namespace ccexpert::kernels

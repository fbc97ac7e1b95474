// Products of bytes on every level of this machine, against the same products in float64.
#include "kernels/int8_matrix.h"

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include "support/errors.h"
#include "support/golden.h"

namespace ccexpert::kernels {
namespace {

using test::close;
using test::Tolerance;

at::Tensor random(at::IntArrayRef shape, uint64_t seed) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::empty(shape).normal_(0.0, 1.0, generator);
}

at::Tensor matrix_of(const Int8Weights& weights) {
  return weights.values.to(at::kDouble) * weights.scales.to(at::kDouble).unsqueeze(1);
}

/// Rounds each row of x as the product does, between its least and largest value with 0 among them.
at::Tensor rounded_rows(const at::Tensor& x) {
  const auto least = x.amin(1, true).clamp_max(0), most = x.amax(1, true).clamp_min(0);
  const auto scale = (most - least).div(255).clamp_min(1e-30);
  const auto zero = (-least / scale).round();
  return ((x / scale + zero).round().clamp(0, 255) - zero).mul(scale).to(at::kDouble);
}

/// Rounds blocks of each row of x, as a product with blocks does.
at::Tensor rounded_blocks(const at::Tensor& x, int64_t block) {
  std::vector<at::Tensor> rounded;
  for (const auto& part : x.split(block, 1)) rounded.push_back(rounded_rows(part));
  return at::cat(rounded, 1);
}

/// Relative error of `found`.
double relative_error(const at::Tensor& found, const at::Tensor& expected) {
  return ((found - expected).norm() / expected.norm()).item<double>();
}

TEST(QuantizeRows, KeepsTheLargestMagnitudeAndRoundsTheRest) {
  const auto weights = quantize_rows(at::tensor({127.0F, -63.4F, 0.4F, 0.0F, -254.0F, 100.0F}).view({2, 3}));
  EXPECT_TRUE(at::equal(weights.values, at::tensor({127, -63, 0, 0, -127, 50}, at::kChar).view({2, 3})));
  EXPECT_TRUE(at::equal(weights.scales, at::tensor({1.0F, 2.0F})));
}

TEST(QuantizeRows, OfZerosAreZeros) {
  const auto weights = quantize_rows(at::zeros({2, 4}));
  EXPECT_TRUE(at::equal(weights.values, at::zeros({2, 4}, at::kChar)));
  EXPECT_GT(weights.scales.min().item<float>(), 0.0F);
}

TEST(QuantizeRows, OfHalfPrecisionAreThoseOfItsValues) {
  const auto half = random({3, 8}, 1).to(at::kBFloat16);
  EXPECT_TRUE(at::equal(quantize_rows(half).values, quantize_rows(half.to(at::kFloat)).values));
}

TEST(DequantizedRows, AreThoseOfTheIds) {
  const Int8Weights weights{at::tensor({1, 2, -3, 4}, at::kChar).view({2, 2}), at::tensor({0.5F, 10.0F})};
  const auto rows = dequantized_rows(weights, at::tensor({1, 0, 1}).view({3, 1}));
  EXPECT_TRUE(at::equal(rows, at::tensor({-30.0F, 40.0F, 0.5F, 1.0F, -30.0F, 40.0F}).view({3, 1, 2})));
}

class Int8Product : public ::testing::TestWithParam<CpuLevel> {
 protected:
  void SetUp() override {
    if (GetParam() > machine_cpu_level()) GTEST_SKIP() << "this machine has no " << name_of(GetParam());
  }

  at::Tensor multiply(const at::Tensor& x, const Int8Weights& weights, const at::Tensor& bias = {}) const {
    return pack_int8(weights, bias, GetParam())->multiply(x);
  }

  /// Product with blocks of 64 inputs.
  std::unique_ptr<const Int8Matrix> in_blocks(const Int8Weights& weights, const at::Tensor& bias = {}) const {
    return pack_int8(weights, bias, GetParam(), 64);
  }
};

INSTANTIATE_TEST_SUITE_P(Levels, Int8Product,
                         ::testing::Values(CpuLevel::kAvx2, CpuLevel::kAvx512, CpuLevel::kVnni,
                                           CpuLevel::kAmx),
                         [](const auto& test) { return std::string(name_of(test.param)); });

TEST_P(Int8Product, IsThatOfTheRoundedRows) {
  uint64_t seed = 1;
  for (const int64_t rows : {1, 3, 16, 17, 70, 130}) {
    for (const auto& [inputs, outputs] : {std::pair{5, 1}, std::pair{64, 64}, std::pair{130, 70}}) {
      const auto x = random({rows, inputs}, seed++), bias = random({outputs}, seed++);
      const auto weights = quantize_rows(random({outputs, inputs}, seed++));
      const auto expected = at::linear(rounded_rows(x), matrix_of(weights), bias.to(at::kDouble));
      // A value between two bytes may round to either.
      const double step = x.abs().max().item<double>() / 127 * matrix_of(weights).abs().max().item<double>();
      EXPECT_TRUE(close(multiply(x, weights, bias), expected, {2 * step, 1e-4}))
          << rows << " rows, " << inputs << " inputs, " << outputs << " outputs";
    }
  }
}

TEST_P(Int8Product, IsExactForRowsThatBytesHold) {
  const auto x = at::tensor({255.0F, 0.0F, 7.0F, -100.0F, 155.0F, 3.0F}).view({2, 3});
  const Int8Weights weights{at::tensor({1, -2, 3, 127, 127, -127}, at::kChar).view({2, 3}),
                            at::tensor({1.0F, 0.5F})};
  const auto expected = at::linear(x, matrix_of(weights).to(at::kFloat));
  EXPECT_TRUE(close(multiply(x, weights), expected, {1e-3, 1e-6}));
}

// 16-bit sums of two products of bytes, as AVX2 has them, end at 32,767; here each is 64,770.
TEST_P(Int8Product, DoesNotSaturate) {
  constexpr int64_t kInputs = 4864;
  auto x = at::full({2, kInputs}, 1.0F);
  x[1].neg_();
  const Int8Weights weights{at::full({3, kInputs}, 127, at::kChar), at::full({3}, 1.0F)};
  const auto expected = x.sum(1, true).mul(127.0F).expand({2, 3});
  EXPECT_TRUE(close(multiply(x, weights), expected, {0.0, 1e-5}));
}

TEST_P(Int8Product, OfARowOfZerosIsTheBias) {
  const auto bias = random({70}, 2);
  const auto result = multiply(at::zeros({3, 66}), quantize_rows(random({70, 66}, 3)), bias);
  EXPECT_TRUE(close(result, bias.expand({3, 70}), {1e-6, 0.0}));
}

TEST_P(Int8Product, OfARowDoesNotDependOnOtherRows) {
  const auto x = random({81, 130}, 4);
  const auto matrix = pack_int8(quantize_rows(random({70, 130}, 5)), {}, GetParam());
  const auto all = matrix->multiply(x);
  for (const int64_t row : {0, 40, 80}) {
    EXPECT_TRUE(at::equal(all.narrow(0, row, 1), matrix->multiply(x.narrow(0, row, 1).contiguous()))) << row;
  }
}

TEST_P(Int8Product, OfBfloat16IsRoundedToIt) {
  const auto x = random({19, 130}, 7).to(at::kBFloat16), bias = random({70}, 8);
  const auto weights = quantize_rows(random({70, 130}, 9));
  const auto expected = multiply(x.to(at::kFloat), weights, bias).to(at::kBFloat16);
  const auto result = multiply(x, weights, bias);
  EXPECT_EQ(result.scalar_type(), at::kBFloat16);
  EXPECT_TRUE(at::equal(result, expected));
}

TEST_P(Int8Product, IsTheSamePackedInPlace) {
  for (const auto& [rows, columns] :
       {std::pair{64, 64}, std::pair{128, 68}, std::pair{70, 132}, std::pair{3, 5}}) {
    const auto weights = quantize_rows(random({rows, columns}, 10));
    const auto in_place = int8_memory(rows, columns);
    in_place.values.copy_(weights.values);
    in_place.scales.copy_(weights.scales);
    const auto x = random({2, columns}, 11);
    EXPECT_TRUE(at::equal(multiply(x, in_place), multiply(x, weights))) << rows << " x " << columns;
  }
}

TEST_P(Int8Product, LeavesWeightsOfOthersUnchanged) {
  const auto weights = quantize_rows(random({64, 64}, 12));
  const auto before = weights.values.clone();
  pack_int8(weights, {}, GetParam());
  EXPECT_TRUE(at::equal(weights.values, before));
}

TEST_P(Int8Product, OfRowsThatAreNotFiniteIsNotANumber) {
  const auto weights = quantize_rows(random({70, 40}, 13));
  for (const float fault :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      auto x = random({3, 40}, 14);
      x[1][37] = fault;
      const auto result = multiply(x.to(type), weights);
      EXPECT_TRUE(at::isnan(result[1]).all().item<bool>()) << fault;
      EXPECT_TRUE(at::isfinite(result[0]).all().item<bool>());
      EXPECT_TRUE(at::isfinite(result[2]).all().item<bool>());
    }
  }
}

TEST_P(Int8Product, OfATinyRowIsTheBias) {
  const auto bias = random({70}, 15);
  const auto result = multiply(at::full({1, 66}, 1e-44), quantize_rows(random({70, 66}, 16)), bias);
  EXPECT_TRUE(close(result, bias.unsqueeze(0), {1e-6, 0.0}));
}

TEST_P(Int8Product, GivesItsRowsIfTheKernelCan) {
  const auto weights = quantize_rows(random({70, 131}, 35));
  const auto matrix = pack_int8(weights, {}, GetParam());
  const auto ids = at::tensor({69, 0, 64, 3}).view({2, 2});
  if (gives_rows(GetParam())) {
    EXPECT_TRUE(at::equal(matrix->rows(ids), dequantized_rows(weights, ids)));
  } else {
    EXPECT_EQ(test::error_of([&] { matrix->rows(ids); }), "int8 matrix: does not give its rows");
  }
}

TEST_P(Int8Product, OfNoRowsIsEmpty) {
  EXPECT_EQ(multiply(at::empty({0, 8}), quantize_rows(random({4, 8}, 6))).sizes(), at::IntArrayRef({0, 4}));
}

TEST_P(Int8Product, InBlocksIsThatOfTheRoundedBlocks) {
  uint64_t seed = 40;
  for (const int64_t rows : {1, 3, 17, 70}) {
    for (const auto& [inputs, outputs] :
         {std::pair{5, 3}, std::pair{64, 64}, std::pair{130, 70}, std::pair{192, 65}}) {
      const auto x = random({rows, inputs}, seed++), bias = random({outputs}, seed++);
      const auto weights = quantize_rows(random({outputs, inputs}, seed++));
      const auto expected = at::linear(rounded_blocks(x, 64), matrix_of(weights), bias.to(at::kDouble));
      // A value between two bytes may round to either.
      const double step = x.abs().max().item<double>() / 127 * matrix_of(weights).abs().max().item<double>();
      EXPECT_TRUE(close(in_blocks(weights, bias)->multiply(x), expected, {2 * step, 1e-4}))
          << rows << " rows, " << inputs << " inputs, " << outputs << " outputs";
    }
  }
}

TEST_P(Int8Product, InBlocksKeepsTheInputsBesideAnOutlier) {
  auto x = random({19, 256}, 41);
  x.select(1, 100).fill_(1000.0);
  const auto weights = quantize_rows(random({70, 256}, 42));
  const auto matrix = matrix_of(weights);
  // The outlier's share of each result is exact, so that the others' is left.
  const auto outlier = 1000.0 * matrix.select(1, 100);
  const auto exact = at::linear(x.to(at::kDouble), matrix) - outlier;
  EXPECT_GT(relative_error(multiply(x, weights) - outlier, exact), 0.8);
  EXPECT_LT(relative_error(in_blocks(weights)->multiply(x) - outlier, exact), 0.6);
}

TEST_P(Int8Product, InOneBlockIsThatOfTheRow) {
  const auto x = random({19, 60}, 43);
  const auto weights = quantize_rows(random({70, 60}, 44));
  EXPECT_TRUE(at::equal(in_blocks(weights)->multiply(x), multiply(x, weights)));
}

TEST_P(Int8Product, InBlocksOfARowThatIsNotFiniteIsNotANumber) {
  auto x = random({3, 200}, 45);
  x[1][150] = std::numeric_limits<float>::infinity();
  const auto result = in_blocks(quantize_rows(random({70, 200}, 46)))->multiply(x);
  EXPECT_TRUE(at::isnan(result[1]).all().item<bool>());
  EXPECT_TRUE(at::isfinite(result[0]).all().item<bool>());
  EXPECT_TRUE(at::isfinite(result[2]).all().item<bool>());
}

TEST_P(Int8Product, InBlocksPackedInPlaceIsTheSame) {
  const auto weights = quantize_rows(random({70, 132}, 47));
  const auto in_place = int8_memory(70, 132);
  in_place.values.copy_(weights.values);
  in_place.scales.copy_(weights.scales);
  const auto x = random({2, 132}, 48);
  const auto expected = in_blocks(weights)->multiply(x);
  EXPECT_TRUE(at::equal(in_blocks(in_place)->multiply(x), expected));
}

TEST_P(Int8Product, InBlocksHasStepsBesideIt) {
  const auto matrix = in_blocks(quantize_rows(random({70, 130}, 49)), random({70}, 50));
  const auto x = random({19, 130}, 51), residual = random({19, 70}, 52);
  const auto plain = matrix->multiply(x);
  const auto result = matrix->multiply_all({.x = x, .function = RowFunction::kGeluTanh, .residual = residual},
                                           {matrix.get()})[0];
  EXPECT_TRUE(close(result, at::gelu(plain, "tanh") + residual, {1e-5, 1e-5}));
}

TEST_P(Int8Product, RefusesMatricesOfOtherBlocksInOneCall) {
  const auto weights = quantize_rows(random({70, 130}, 53));
  const auto blocks = in_blocks(weights), whole = pack_int8(weights, {}, GetParam());
  EXPECT_EQ(test::error_of([&] {
              blocks->multiply_all({.x = at::ones({3, 130})}, {blocks.get(), whole.get()});
            }),
            "int8 product: expected matrices that round x in blocks of 64, got one of 130");
}

/// The value of a function, in float64.
at::Tensor exact(RowFunction function, const at::Tensor& x) {
  switch (function) {
    case RowFunction::kNone:
      return x;
    case RowFunction::kGeluTanh:
      return at::gelu(x, "tanh");
    case RowFunction::kGelu:
      return at::gelu(x);
    case RowFunction::kQuickGelu:
      return x * at::sigmoid(1.702 * x);
    case RowFunction::kSilu:
      return at::silu(x);
    case RowFunction::kRelu:
      return at::relu(x);
  }
  return {};
}

TEST_P(Int8Product, TogetherAreThoseOfEachAlone) {
  const auto x = random({70, 130}, 17);
  std::vector<std::unique_ptr<const Int8Matrix>> matrices;
  std::vector<const Int8Matrix*> all;
  for (const int64_t outputs : {64, 70, 5}) {
    const auto weights = quantize_rows(random({outputs, 130}, static_cast<uint64_t>(outputs)));
    matrices.push_back(pack_int8(weights, random({outputs}, 18), GetParam()));
    all.push_back(matrices.back().get());
  }
  const auto results = all[0]->multiply_all({.x = x}, all);
  ASSERT_EQ(results.size(), all.size());
  for (size_t i = 0; i < all.size(); ++i) EXPECT_TRUE(at::equal(results[i], all[i]->multiply(x))) << i;
}

TEST_P(Int8Product, AppliesEachFunction) {
  const auto x = random({19, 130}, 19) * 4.0;
  const auto matrix = pack_int8(quantize_rows(random({70, 130}, 20) * 0.1), {}, GetParam());
  const auto plain = matrix->multiply(x).to(at::kDouble);
  for (const auto function : {RowFunction::kGeluTanh, RowFunction::kGelu, RowFunction::kQuickGelu,
                              RowFunction::kSilu, RowFunction::kRelu}) {
    const auto result = matrix->multiply_all({.x = x, .function = function}, {matrix.get()})[0];
    EXPECT_TRUE(close(result, exact(function, plain), {2e-6, 1e-5})) << static_cast<int>(function);
  }
}

TEST_P(Int8Product, OfExtremeResultsHasTheFunctionsLimits) {
  const Int8Weights weights{at::tensor({127, -127}, at::kChar).view({2, 1}), at::tensor({1e4F, 1e4F})};
  const auto matrix = pack_int8(weights, {}, GetParam());
  const auto x = at::full({1, 1}, 255.0F);
  for (const auto function :
       {RowFunction::kGeluTanh, RowFunction::kGelu, RowFunction::kQuickGelu, RowFunction::kSilu}) {
    const auto result = matrix->multiply_all({.x = x, .function = function}, {matrix.get()})[0];
    EXPECT_NEAR(result[0][0].item<float>(), 255.0F * 127.0F * 1e4F, 1e3F) << static_cast<int>(function);
    EXPECT_NEAR(result[0][1].item<float>(), 0.0F, 1e-20F) << static_cast<int>(function);
  }
}

TEST_P(Int8Product, GatesTheSecondByTheFirst) {
  const auto x = random({70, 130}, 21);
  const auto gate = pack_int8(quantize_rows(random({70, 130}, 22)), random({70}, 23), GetParam());
  const auto up = pack_int8(quantize_rows(random({70, 130}, 24)), {}, GetParam());
  const auto results =
      gate->multiply_all({.x = x, .function = RowFunction::kSilu, .gated = true}, {gate.get(), up.get()});
  ASSERT_EQ(results.size(), 1U);
  const auto expected = at::silu(gate->multiply(x).to(at::kDouble)) * up->multiply(x);
  EXPECT_TRUE(close(results[0], expected, {1e-5, 1e-5}));
}

TEST_P(Int8Product, AddsTheResidual) {
  const auto weights = quantize_rows(random({70, 130}, 25));
  const auto matrix = pack_int8(weights, {}, GetParam());
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const auto x = random({19, 130}, 26).to(type), residual = random({19, 70}, 27).to(type);
    const auto result = matrix->multiply_all({.x = x, .residual = residual}, {matrix.get()})[0];
    const auto expected = (residual.to(at::kFloat) + matrix->multiply(x.to(at::kFloat))).to(type);
    EXPECT_EQ(result.scalar_type(), type);
    EXPECT_TRUE(at::equal(result, expected));
  }
}

TEST_P(Int8Product, ReadsTheNormOfTheRows) {
  const auto matrix = pack_int8(quantize_rows(random({70, 130}, 28)), {}, GetParam());
  const auto weight = random({130}, 29), bias = random({130}, 30);
  const auto x = random({19, 130}, 31) * 3.0 + 1.0;
  const auto layer = at::layer_norm(x, {130}, weight, bias, 1e-5), rms = at::rms_norm(x, {130}, weight, 1e-5);
  const auto normed = [&](const RowNorm& norm) {
    return matrix->multiply_all({.x = x, .norm = norm}, {matrix.get()})[0];
  };
  // A value between two bytes may round to either.
  const test::Tolerance step{0.2, 1e-3};
  EXPECT_TRUE(close(normed({weight, bias, 1e-5}), matrix->multiply(layer), step));
  EXPECT_TRUE(close(normed({weight, {}, 1e-5}), matrix->multiply(rms), step));
  EXPECT_FALSE(close(normed({weight, {}, 1e-5}), matrix->multiply(layer), step));
}

TEST_P(Int8Product, WithStepsOfRowsThatAreNotFiniteIsNotANumber) {
  const auto matrix = pack_int8(quantize_rows(random({70, 40}, 32)), {}, GetParam());
  auto x = random({3, 40}, 33);
  x[1][37] = std::numeric_limits<float>::infinity();
  const auto result = matrix->multiply_all({.x = x,
                                            .norm = {at::ones({40}), at::zeros({40}), 1e-5},
                                            .function = RowFunction::kGeluTanh,
                                            .residual = random({3, 70}, 34)},
                                           {matrix.get()})[0];
  EXPECT_TRUE(at::isnan(result[1]).all().item<bool>());
  EXPECT_TRUE(at::isfinite(result[0]).all().item<bool>());
}

TEST_P(Int8Product, RefusesOperandsOfAnotherShape) {
  const auto matrix = pack_int8(quantize_rows(random({70, 40}, 35)), {}, GetParam());
  EXPECT_EQ(test::error_of([&] {
              matrix->multiply(at::ones({3, 41}));
            }),
            "int8 product: expected x [M,40], got [3,41]");
  const auto add = [&](const at::Tensor& residual) {
    matrix->multiply_all({.x = at::ones({3, 40}), .residual = residual}, {matrix.get()});
  };
  EXPECT_EQ(test::error_of([&] {
              add(at::ones({3, 64}));
            }),
            "int8 product: expected a residual as [3,70] of Float, got [3,64] of Float");
  EXPECT_EQ(test::error_of([&] {
              add(at::ones({3, 70}, at::kBFloat16));
            }),
            "int8 product: expected a residual as [3,70] of Float, got [3,70] of BFloat16");
}

TEST(PackInt8, RefusesBlocksThatTilesDoNotHold) {
  const Int8Weights weights{at::zeros({1, 200}, at::kChar), at::ones({1})};
  EXPECT_EQ(test::error_of([&] { pack_int8(weights, {}, cpu_level(), 100); }),
            "int8 product: expected blocks of a multiple of 64 inputs, got 100");
}

TEST(PackInt8, RefusesMoreInputsThanSumsOf32BitsHold) {
  const Int8Weights weights{at::zeros({1, kMostInt8Inputs + 1}, at::kChar), at::ones({1})};
  EXPECT_EQ(test::error_of([&] { pack_int8(weights, {}); }),
            "int8 product: expected at most 65536 inputs, got 65537");
}

}  // namespace
}  // namespace ccexpert::kernels

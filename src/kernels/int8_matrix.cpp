#include "kernels/int8_matrix.h"

#include <algorithm>
#include <string>

#include <ATen/ATen.h>

#include <ccexpert/core/error.h>

#include "kernels/int8_kernels.h"

namespace ccexpert::kernels {
namespace {

constexpr double kLargestInt8 = 127.0;
// A row of zeros has any scale.
constexpr double kLeastScale = 1e-30;

// Weights are converted in pieces, since a whole embedding in float32 is four times as large as the result.
constexpr int64_t kValuesAtOnce = int64_t{1} << 20;

void quantize_some(const at::Tensor& weights, const Int8Weights& result) {
  const auto rows = weights.to(at::kFloat);
  const auto scales = rows.abs().amax(1).div_(kLargestInt8).clamp_min_(kLeastScale);  // [N]
  result.values.copy_(rows.div(scales.unsqueeze(1)).round_().clamp_(-kLargestInt8, kLargestInt8));
  result.scales.copy_(scales);
}

bool has_tiles(CpuLevel level) {
  return level >= CpuLevel::kVnni;
}

}  // namespace

Int8Weights quantize_rows(const at::Tensor& weights) {
  const int64_t count = weights.size(0), width = weights.size(1);
  Int8Weights result{at::empty({count, width}, at::kChar), at::empty({count}, at::kFloat)};
  const int64_t step = std::max<int64_t>(1, kValuesAtOnce / std::max<int64_t>(1, width));
  for (int64_t first = 0; first < count; first += step) {
    const int64_t rows = std::min(step, count - first);
    quantize_some(weights.narrow(0, first, rows),
                  {result.values.narrow(0, first, rows), result.scales.narrow(0, first, rows)});
  }
  return result;
}

at::Tensor dequantized_rows(const Int8Weights& weights, const at::Tensor& ids) {
  const auto flat = ids.flatten();
  const auto rows = weights.values.index_select(0, flat).to(at::kFloat);
  auto shape = ids.sizes().vec();
  shape.push_back(weights.values.size(1));
  return rows.mul(weights.scales.index_select(0, flat).unsqueeze(1)).view(shape);
}

at::Tensor Int8Matrix::rows(const at::Tensor& /*ids*/) const {
  fail("int8 matrix", "does not give its rows", {}, ErrorKind::kInternal);
}

bool gives_rows(CpuLevel level) {
  return has_tiles(level);
}

Int8Weights int8_memory(int64_t rows, int64_t columns) {
  const int64_t whole = (rows + kInt8Panel - 1) / kInt8Panel * kInt8Panel;
  return {at::empty({whole, columns}, at::kChar).narrow(0, 0, rows), at::empty({rows}, at::kFloat), true};
}

std::unique_ptr<const Int8Matrix> pack_int8(const Int8Weights& weights, const at::Tensor& bias,
                                            CpuLevel level, int64_t block) {
  if (weights.values.size(1) > kMostInt8Inputs) {
    fail_expected({"int8 product", "at most " + std::to_string(kMostInt8Inputs) + " inputs",
                   std::to_string(weights.values.size(1))});
  }
  if (block < 0 || block % kInt8BlockStep != 0) {
    fail_expected({"int8 product", "blocks of a multiple of " + std::to_string(kInt8BlockStep) + " inputs",
                   std::to_string(block)});
  }
  return has_tiles(level) ? pack_for_tiles(weights, bias, block) : pack_for_xnnpack(weights, bias, block);
}

}  // namespace ccexpert::kernels

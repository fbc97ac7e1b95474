#include "kernels/few_rows.h"

#include <algorithm>
#include <array>
#include <bit>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "kernels/product_inputs.h"
#include "kernels/row_math.h"
#include "kernels/vector_clones.h"

namespace ccexpert::kernels {
namespace {

/// Lanes of a sum that compilers turn into vectors.
constexpr size_t kLanes = 32;
/// Products of one task, so that small matrices stay on one thread.
constexpr int64_t kGrain = 32'768;

CCEXPERT_VECTOR_CLONES float dot(const float* a, const float* b, int64_t count) {
  std::array<float, kLanes> sums{};
  const auto size = static_cast<size_t>(count);
  size_t k = 0;
  for (; k + kLanes <= size; k += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[k + lane] * b[k + lane];
  }
  for (; k < size; ++k) sums[0] += a[k] * b[k];
  float sum = 0.0F;
  for (const float lane : sums) sum += lane;
  return sum;
}

/// Same for b in bfloat16.
CCEXPERT_VECTOR_CLONES float dot(const float* a, const uint16_t* b, int64_t count) {
  std::array<float, kLanes> sums{};
  const auto size = static_cast<size_t>(count);
  size_t k = 0;
  for (; k + kLanes <= size; k += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane)
      sums[lane] += a[k + lane] * std::bit_cast<float>(uint32_t{b[k + lane]} << 16);
  }
  for (; k < size; ++k) sums[0] += a[k] * std::bit_cast<float>(uint32_t{b[k]} << 16);
  float sum = 0.0F;
  for (const float lane : sums) sum += lane;
  return sum;
}

/// x [M,K] and its products with each row of weights, [M,N].
struct FewRows {
  const float* x;
  int64_t rows, inputs, outputs;
  float* results;

  void multiply(int64_t output, const WidenPiece& widen) const {
    std::array<float, kFewRows> sums{};
    alignas(64) std::array<float, kPiece> piece;
    for (int64_t k = 0; k < inputs; k += kPiece) {
      const int64_t count = std::min(kPiece, inputs - k);
      widen(output, k, count, piece.data());
      for (int64_t m = 0; m < rows; ++m)
        sums[static_cast<size_t>(m)] += dot(x + m * inputs + k, piece.data(), count);
    }
    for (int64_t m = 0; m < rows; ++m) results[m * outputs + output] = sums[static_cast<size_t>(m)];
  }
};

int64_t grain_of(int64_t inputs) {
  return std::max<int64_t>(1, kGrain / std::max<int64_t>(1, inputs));
}

/// x W^T for one row of features, without weights in float32 in memory.
at::Tensor multiply_row(const at::Tensor& x, const at::Tensor& matrix) {
  const int64_t inputs = matrix.size(1), outputs = matrix.size(0), stride = matrix.stride(0);
  const auto* row = x.const_data_ptr<float>();
  const auto* weights = static_cast<const uint16_t*>(matrix.const_data_ptr());
  auto out = at::empty({1, outputs}, x.options());
  auto* results = out.mutable_data_ptr<float>();
  at::parallel_for(0, outputs, grain_of(inputs), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) results[n] = dot(row, weights + n * stride, inputs);
  });
  return out;
}

}  // namespace

at::Tensor multiply_few_rows(const at::Tensor& x, int64_t outputs, const WidenPiece& widen) {
  auto out = at::empty({x.size(0), outputs}, x.options());
  const FewRows product{x.const_data_ptr<float>(), x.size(0), x.size(1), outputs,
                        out.mutable_data_ptr<float>()};
  at::parallel_for(0, outputs, grain_of(product.inputs), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) product.multiply(n, widen);
  });
  return out;
}

at::Tensor multiply_few_rows(const at::Tensor& x, const at::Tensor& matrix) {
  expect_inputs("few rows", x, matrix.size(1));
  const auto* weights = static_cast<const uint16_t*>(matrix.const_data_ptr());
  if (x.size(0) == 1) return multiply_row(x, matrix);
  return multiply_few_rows(
      x, matrix.size(0),
      [weights, stride = matrix.stride(0)](int64_t row, int64_t first, int64_t count, float* to) {
        widen(weights + row * stride + first, count, to);
      });
}

}  // namespace ccexpert::kernels

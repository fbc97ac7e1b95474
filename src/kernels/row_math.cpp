#include "kernels/row_math.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/vector_clones.h"

namespace ccexpert::kernels {
namespace {

/// Lanes of a reduction, which each instruction set divides into its vectors.
constexpr int64_t kLanes = 16;
using Lanes [[gnu::vector_size(kLanes * sizeof(float))]] = float;

/// Adding it to a float of small magnitude rounds to the nearest integer, half to even, in the low bits.
constexpr float kRounding = 12'582'912.0F;  // 1.5 * 2^23
constexpr int32_t kRoundingBits = std::bit_cast<int32_t>(kRounding);

CCEXPERT_INLINE void load(const float* from, Lanes& to) {
  std::memcpy(&to, from, sizeof to);
}

CCEXPERT_INLINE float sum_of(const Lanes& lanes) {
  float sum = 0.0F;
  for (int64_t lane = 0; lane < kLanes; ++lane) sum += lanes[lane];
  return sum;
}

CCEXPERT_INLINE float least_lane(const Lanes& lanes) {
  float least = lanes[0];
  for (int64_t lane = 1; lane < kLanes; ++lane) least = std::min(least, lanes[lane]);
  return least;
}

CCEXPERT_INLINE float most_lane(const Lanes& lanes) {
  float most = lanes[0];
  for (int64_t lane = 1; lane < kLanes; ++lane) most = std::max(most, lanes[lane]);
  return most;
}

/// Bits of the nearest value in bfloat16, half to even. The sum would carry some NaN into the sign.
CCEXPERT_INLINE uint16_t bits_of_nearest(float x) {
  constexpr uint32_t kNan = 0x7FC0U;
  const auto bits = std::bit_cast<uint32_t>(x);
  const uint32_t nearest = (bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16;
  return static_cast<uint16_t>(x != x ? kNan : nearest);
}

/// e^x within 2e-7, for finite x clamped to the range of float; NaN stays.
CCEXPERT_INLINE float exp_of(float x) {
  constexpr float kLog2E = 1.442'695'04F, kLn2High = 0.693'359'375F, kLn2Low = -2.121'944'4e-4F;
  x = x < -87.0F ? -87.0F : x;
  x = x > 88.0F ? 88.0F : x;
  const float shifted = x * kLog2E + kRounding;
  const float power = shifted - kRounding;
  const float r = (x - power * kLn2High) - power * kLn2Low;
  float p = 1.987'569'15e-4F;  // of Cephes' expf
  p = p * r + 1.398'199'95e-3F;
  p = p * r + 8.333'451'9e-3F;
  p = p * r + 4.166'579'6e-2F;
  p = p * r + 1.666'666'55e-1F;
  p = p * r + 5.000'000'1e-1F;
  p = p * r * r + r + 1.0F;
  const int32_t exponent = std::bit_cast<int32_t>(shifted) - kRoundingBits;
  return p * std::bit_cast<float>((exponent + 127) << 23);
}

/// x sigmoid(y).
CCEXPERT_INLINE float times_sigmoid(float x, float y) {
  return x / (1.0F + exp_of(-y));
}

CCEXPERT_INLINE float gelu_tanh_of(float x) {
  constexpr float kTwiceRoot = 1.595'769'12F, kCubic = 0.044'715F;  // 2 sqrt(2 / pi)
  return times_sigmoid(x, kTwiceRoot * (x + kCubic * x * x * x));
}

/// x (1 + erf(x / sqrt 2)) / 2 by Abramowitz and Stegun 7.1.26, whose error is 1.5e-7.
CCEXPERT_INLINE float gelu_of(float x) {
  const float z = std::bit_cast<float>(std::bit_cast<int32_t>(x) & 0x7FFF'FFFF) * 0.707'106'78F;
  const float t = 1.0F / (1.0F + 0.327'591'1F * z);
  float p = 1.061'405'43F;
  p = p * t - 1.453'152'03F;
  p = p * t + 1.421'413'74F;
  p = p * t - 0.284'496'74F;
  p = p * t + 0.254'829'59F;
  const float tail = 0.5F * p * t * exp_of(-z * z);  // of the normal distribution, beyond |x|
  constexpr float kMost = std::numeric_limits<float>::max();
  return x > 0.0F ? x - (x < kMost ? x : kMost) * tail : x * tail;
}

CCEXPERT_VECTOR_CLONES void gelu_tanh(float* row, int64_t count) {
  for (int64_t k = 0; k < count; ++k) row[k] = gelu_tanh_of(row[k]);
}

CCEXPERT_VECTOR_CLONES void gelu(float* row, int64_t count) {
  for (int64_t k = 0; k < count; ++k) row[k] = gelu_of(row[k]);
}

/// x sigmoid(slope x).
CCEXPERT_VECTOR_CLONES void swish(float* row, int64_t count, float slope) {
  for (int64_t k = 0; k < count; ++k) row[k] = times_sigmoid(row[k], slope * row[k]);
}

CCEXPERT_VECTOR_CLONES void relu(float* row, int64_t count) {
  for (int64_t k = 0; k < count; ++k) row[k] = row[k] < 0.0F ? 0.0F : row[k];
}

CCEXPERT_VECTOR_CLONES void write_exponentials(float* row, int64_t count, float scale, float shift) {
  for (int64_t k = 0; k < count; ++k) row[k] = exp_of(row[k] * scale - shift);
}

struct Interval {
  float least, most;
  float fault;  ///< 0, or NaN if a value is not finite
};

/// Returns the least and the largest value of a row, with 0 among them.
CCEXPERT_VECTOR_CLONES Interval interval_of(const float* row, int64_t count) {
  Lanes least{}, most{}, faults{}, x;
  int64_t k = 0;
  for (; k + kLanes <= count; k += kLanes) {
    load(row + k, x);
    least = x < least ? x : least;
    most = x > most ? x : most;
    faults += x - x;
  }
  Interval result{.least = least_lane(least), .most = most_lane(most), .fault = sum_of(faults)};
  for (; k < count; ++k) {
    result.least = std::min(result.least, row[k]);
    result.most = std::max(result.most, row[k]);
    result.fault += row[k] - row[k];
  }
  return result;
}

CCEXPERT_VECTOR_CLONES void write_bytes(const float* row, int64_t count, const RowScale& scale,
                                        uint8_t* bytes) {
  const float inverse = 1.0F / scale.scale;
  const auto zero = static_cast<float>(scale.zero);
  for (int64_t k = 0; k < count; ++k) {
    const float shifted = std::min(std::max(row[k] * inverse + zero, 0.0F), 255.0F);
    bytes[k] = static_cast<uint8_t>(std::bit_cast<int32_t>(shifted + kRounding) - kRoundingBits);
  }
}

CCEXPERT_VECTOR_CLONES float total(const float* row, int64_t count) {
  Lanes sums{}, x;
  int64_t k = 0;
  for (; k + kLanes <= count; k += kLanes) {
    load(row + k, x);
    sums += x;
  }
  float sum = sum_of(sums);
  for (; k < count; ++k) sum += row[k];
  return sum;
}

/// Sum of squared distances from `centre`.
CCEXPERT_VECTOR_CLONES float squares(const float* row, int64_t count, float centre) {
  Lanes sums{}, x;
  int64_t k = 0;
  for (; k + kLanes <= count; k += kLanes) {
    load(row + k, x);
    x -= centre;
    sums += x * x;
  }
  float sum = sum_of(sums);
  for (; k < count; ++k) sum += (row[k] - centre) * (row[k] - centre);
  return sum;
}

CCEXPERT_VECTOR_CLONES void scale_and_shift(const float* row, int64_t count, const NormFactors& factors,
                                            float mean, float inverse, float* to) {
  for (int64_t k = 0; k < count; ++k) {
    to[k] = (row[k] - mean) * inverse * factors.weight[k] + factors.bias[k];
  }
}

CCEXPERT_VECTOR_CLONES void scale_only(const float* row, int64_t count, const float* weight, float inverse,
                                       float* to) {
  for (int64_t k = 0; k < count; ++k) to[k] = row[k] * inverse * weight[k];
}

/// Product of a row and a column from the sum of its bytes and that of the column's weights.
CCEXPERT_INLINE float scaled_sum(int32_t sum, RowScale row, int32_t weights, float scale) {
  return static_cast<float>(sum - row.zero * weights) * (row.scale * scale);
}

}  // namespace

CCEXPERT_VECTOR_CLONES float most_of(const float* row, int64_t count) {
  Lanes most = Lanes{} + row[0], x;
  int64_t k = 0;
  for (; k + kLanes <= count; k += kLanes) {
    load(row + k, x);
    most = x > most ? x : most;
  }
  float result = most_lane(most);
  for (; k < count; ++k) result = std::max(result, row[k]);
  return result;
}

float exponentials(float* row, int64_t count, float scale, float shift) {
  write_exponentials(row, count, scale, shift);
  return total(row, count);
}

CCEXPERT_VECTOR_CLONES void scale_row(float* row, float factor, int64_t count) {
  for (int64_t k = 0; k < count; ++k) row[k] *= factor;
}

CCEXPERT_VECTOR_CLONES void widen(const uint16_t* from, int64_t count, float* to) {
  for (int64_t k = 0; k < count; ++k) to[k] = std::bit_cast<float>(uint32_t{from[k]} << 16);
}

CCEXPERT_VECTOR_CLONES void narrow(const float* from, int64_t count, uint16_t* to) {
  for (int64_t k = 0; k < count; ++k) to[k] = bits_of_nearest(from[k]);
}

void apply_function(RowFunction function, float* row, int64_t count) {
  constexpr float kQuickSlope = 1.702F;
  switch (function) {
    case RowFunction::kNone:
      return;
    case RowFunction::kGeluTanh:
      return gelu_tanh(row, count);
    case RowFunction::kGelu:
      return gelu(row, count);
    case RowFunction::kQuickGelu:
      return swish(row, count, kQuickSlope);
    case RowFunction::kSilu:
      return swish(row, count, 1.0F);
    case RowFunction::kRelu:
      return relu(row, count);
  }
}

CCEXPERT_VECTOR_CLONES void multiply_row(float* row, const float* factors, int64_t count) {
  for (int64_t k = 0; k < count; ++k) row[k] *= factors[k];
}

CCEXPERT_VECTOR_CLONES void shift_row(float* row, float term, int64_t count) {
  for (int64_t k = 0; k < count; ++k) row[k] += term;
}

CCEXPERT_VECTOR_CLONES void add_row(float* row, const float* terms, int64_t count) {
  for (int64_t k = 0; k < count; ++k) row[k] += terms[k];
}

CCEXPERT_VECTOR_CLONES void add_row(float* row, const uint16_t* terms, int64_t count) {
  for (int64_t k = 0; k < count; ++k) row[k] += std::bit_cast<float>(uint32_t{terms[k]} << 16);
}

void normalize_row(const float* row, int64_t count, const NormFactors& factors, float* to) {
  const auto width = static_cast<float>(count);
  const float mean = factors.bias != nullptr ? total(row, count) / width : 0.0F;
  const float inverse = 1.0F / std::sqrt(squares(row, count, mean) / width + factors.eps);
  if (factors.bias != nullptr) {
    scale_and_shift(row, count, factors, mean, inverse, to);
  } else {
    scale_only(row, count, factors.weight, inverse, to);
  }
}

float row_fault(const float* row, int64_t count) {
  return interval_of(row, count).fault;
}

RowScale quantize_row(const float* row, int64_t count, uint8_t* bytes) {
  const auto [least, most, fault] = interval_of(row, count);
  if (std::isnan(fault)) {
    std::fill_n(bytes, count, uint8_t{0});
    return {.scale = fault};  // all results become NaN, as in floating point
  }
  RowScale scale;
  // Values below the limit have no finite reciprocal of their scale, and become zeros.
  if (most - least > 255.0F * std::numeric_limits<float>::min()) {
    scale.scale = (most - least) / 255.0F;
    scale.zero = std::bit_cast<int32_t>(-least / scale.scale + kRounding) - kRoundingBits;
  }
  write_bytes(row, count, scale, bytes);
  return scale;
}

CCEXPERT_VECTOR_CLONES void scale_sums(const int32_t* sums, const RowScale* rows, int64_t count,
                                       const PanelFactors& columns, float* to) {
  for (int64_t m = 0; m < count; ++m) {
    const RowScale row = rows[m];
    // Always a whole panel, so that the loop has a fixed length.
    for (int64_t n = 0; n < kRowPanel; ++n) {
      to[m * kRowPanel + n] =
          scaled_sum(sums[m * kRowPanel + n], row, columns.sums[n], columns.scales[n]) + columns.biases[n];
    }
  }
}

CCEXPERT_VECTOR_CLONES void add_scaled_sums(const int32_t* sums, const RowScale* rows, int64_t count,
                                            const PanelFactors& columns, float* to) {
  for (int64_t m = 0; m < count; ++m) {
    const RowScale row = rows[m];
    for (int64_t n = 0; n < kRowPanel; ++n) {
      to[m * kRowPanel + n] += scaled_sum(sums[m * kRowPanel + n], row, columns.sums[n], columns.scales[n]);
    }
  }
}

}  // namespace ccexpert::kernels

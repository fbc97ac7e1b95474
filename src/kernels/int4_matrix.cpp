#include "kernels/int4_matrix.h"

#include <algorithm>
#include <bit>
#include <cstdint>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include "kernels/cpu_level.h"
#include "kernels/few_rows.h"
#include "kernels/product_inputs.h"
#include "kernels/vector_clones.h"

namespace ccexpert::kernels {
namespace {

constexpr double kLeast = -8.0, kMost = 7.0, kZero = 8.0;
// A group of zeros has any scale that bfloat16 holds.
constexpr double kLeastScale = 1e-30;
/// Values in float32 at a time.
constexpr int64_t kValuesAtOnce = int64_t{1} << 20;
constexpr int64_t kGroupBytes = kInt4Group / 2;

int64_t rows_at_once(int64_t inputs) {
  return std::max<int64_t>(1, kValuesAtOnce / std::max<int64_t>(1, inputs));
}

struct Rounded {
  at::Tensor scales;  // [n,G,1]
  at::Tensor values;  // [n,G,32], -8 to 7
  at::Tensor errors;  // [n,G,1]
};

/// Rounds groups [n,G,32] to multiples of their largest magnitude / `steps`.
Rounded rounded(const at::Tensor& groups, double steps) {
  const auto scales =
      groups.abs().amax(2, true).div_(steps).clamp_min_(kLeastScale).to(at::kBFloat16).to(at::kFloat);
  const auto values = groups.div(scales).round_().clamp_(kLeast, kMost);
  return {scales, values, (values * scales).sub_(groups).square_().sum(2, true)};
}

/// Writes the groups of some rows [n,K].
void quantize_some(const at::Tensor& rows, const Int4Weights& result) {
  const auto groups = rows.to(at::kFloat).reshape({rows.size(0), -1, kInt4Group});
  auto best = rounded(groups, 7.0);
  for (const double steps : {7.5, 8.0}) {
    const auto other = rounded(groups, steps);
    const auto better = other.errors < best.errors;
    best = {at::where(better, other.scales, best.scales), at::where(better, other.values, best.values),
            at::where(better, other.errors, best.errors)};
  }
  const auto halves = best.values.add(kZero).to(at::kByte).chunk(2, 2);  // [n,G,16] each
  result.values.copy_(halves[0].bitwise_or(halves[1].bitwise_left_shift(4)).view(result.values.sizes()));
  result.scales.copy_(best.scales.squeeze(2));
}

/// Packed groups of a row.
struct PackedGroups {
  const uint8_t* bytes;
  const uint16_t* scales;
  int64_t count;
};

/// Weight of a nibble, exact or rounded to bfloat16, half to even. It is finite.
template <bool is_rounded>
CCEXPERT_INLINE float weight_of(uint32_t nibble, float scale) {
  const float weight = static_cast<float>(static_cast<int32_t>(nibble) - 8) * scale;
  if constexpr (!is_rounded) return weight;
  const auto bits = std::bit_cast<uint32_t>(weight);
  return std::bit_cast<float>((bits + 0x7FFFU + (bits >> 16 & 1U)) & 0xFFFF'0000U);
}

template <bool is_rounded>
CCEXPERT_INLINE void write_weights(const PackedGroups& groups, float* to) {
  for (int64_t g = 0; g < groups.count; ++g) {
    const float scale = std::bit_cast<float>(uint32_t{groups.scales[g]} << 16);
    for (int64_t j = 0; j < kGroupBytes; ++j) {
      const uint32_t byte = groups.bytes[g * kGroupBytes + j];
      to[g * kInt4Group + j] = weight_of<is_rounded>(byte & 0xFU, scale);
      to[g * kInt4Group + kGroupBytes + j] = weight_of<is_rounded>(byte >> 4U, scale);
    }
  }
}

CCEXPERT_VECTOR_CLONES void widen_groups(const PackedGroups& groups, float* to) {
  write_weights<false>(groups, to);
}

CCEXPERT_VECTOR_CLONES void widen_rounded_groups(const PackedGroups& groups, float* to) {
  write_weights<true>(groups, to);
}

/// Reads the groups of weights, both of whose tensors are contiguous.
class Groups {
 public:
  /// `is_rounded`: weights are those of a matrix in bfloat16.
  explicit Groups(const Int4Weights& weights, bool is_rounded = false)
      : is_rounded_(is_rounded),
        groups_(weights.scales.size(1)),
        bytes_(weights.values.const_data_ptr<uint8_t>()),
        scales_(static_cast<const uint16_t*>(weights.scales.const_data_ptr())) {}

  /// Writes inputs of a row in float32; `first` and `count` are multiples of a group.
  void widen(int64_t row, int64_t first, int64_t count, float* to) const {
    const int64_t group = row * groups_ + first / kInt4Group;
    const PackedGroups groups{bytes_ + group * kGroupBytes, scales_ + group, count / kInt4Group};
    if (is_rounded_) {
      widen_rounded_groups(groups, to);
    } else {
      widen_groups(groups, to);
    }
  }

 private:
  bool is_rounded_;
  int64_t groups_;
  const uint8_t* bytes_;
  const uint16_t* scales_;
};

/// Writes rows from `first` on to `to` [n,K].
void widen_rows(const Groups& groups, int64_t first, const at::Tensor& to) {
  const int64_t inputs = to.size(1);
  float* values = to.mutable_data_ptr<float>();
  at::parallel_for(0, to.size(0), 16, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) groups.widen(first + n, 0, inputs, values + n * inputs);
  });
}

}  // namespace

Int4Weights quantize_groups(const at::Tensor& weights) {
  const int64_t count = weights.size(0), width = weights.size(1);
  Int4Weights result{at::empty({count, width / 2}, at::kByte),
                     at::empty({count, width / kInt4Group}, at::kBFloat16)};
  const int64_t step = rows_at_once(width);
  for (int64_t first = 0; first < count; first += step) {
    const int64_t rows = std::min(step, count - first);
    quantize_some(weights.narrow(0, first, rows),
                  {result.values.narrow(0, first, rows), result.scales.narrow(0, first, rows)});
  }
  return result;
}

at::Tensor dequantized_groups(const Int4Weights& weights, int64_t first, int64_t count) {
  const auto rows = at::empty({count, weights.values.size(1) * 2}, at::kFloat);
  widen_rows(Groups(weights), first, rows);
  return rows;
}

at::Tensor multiply_int4(const at::Tensor& x, const Int4Weights& weights, const at::Tensor& bias) {
  const int64_t outputs = weights.values.size(0), inputs = weights.values.size(1) * 2;
  expect_inputs("int4 product", x, inputs);
  const bool narrow = x.scalar_type() == at::kBFloat16 && multiplies_bfloat16();
  const Groups groups(weights, narrow);
  if (x.size(0) <= kFewRows) {
    auto few = multiply_few_rows(
        x.to(at::kFloat), outputs,
        [&](int64_t row, int64_t first, int64_t count, float* to) { groups.widen(row, first, count, to); });
    return (bias.defined() ? few.add_(bias) : few).to(x.scalar_type());
  }
  const auto features = narrow ? x : x.to(at::kFloat);
  const int64_t step = std::min(outputs, rows_at_once(inputs));
  const auto block = at::empty({step, inputs}, at::kFloat);
  auto out = at::empty({x.size(0), outputs}, x.options());
  for (int64_t first = 0; first < outputs; first += step) {
    const auto some = block.narrow(0, 0, std::min(step, outputs - first));
    widen_rows(groups, first, some);
    auto result = at::mm(features, some.to(features.scalar_type()).t());
    if (bias.defined()) result.add_(bias.narrow(0, first, some.size(0)));
    out.narrow(1, first, some.size(0)).copy_(result);
  }
  return out;
}

}  // namespace ccexpert::kernels

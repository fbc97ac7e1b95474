#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/native/CPUBlas.h>

#include "kernels/int8_kernels.h"

namespace ccexpert::kernels {
namespace {

constexpr int64_t kPanel = kInt8Panel;
/// Rows of a tile of the result, which stays in the first cache.
constexpr int64_t kTileRows = 64;
/// A row count is rounded up to a multiple of this if it is larger: the kernel is compiled for each count.
constexpr int64_t kRowStep = 16;
/// Weights of four consecutive inputs are neighbours, as VNNI and AMX read them.
constexpr int64_t kGroup = 4;
/// Lanes of a reduction that compilers turn into vectors.
constexpr size_t kLanes = 16;

constexpr int64_t rounded_up(int64_t value, int64_t step) {
  return (value + step - 1) / step * step;
}

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define CCEXPERT_VECTOR_CLONES [[gnu::target_clones("avx512f", "avx2", "default")]]
#else
#define CCEXPERT_VECTOR_CLONES
#endif

/// Values in float32, from the bits of bfloat16.
CCEXPERT_VECTOR_CLONES void widen(const uint16_t* from, int64_t count, float* to) {
  for (int64_t k = 0; k < count; ++k) to[k] = std::bit_cast<float>(uint32_t{from[k]} << 16);
}

/// Bits of the nearest values in bfloat16, half to even. Infinity stays; the NaN of a scale stays, too.
CCEXPERT_VECTOR_CLONES void narrow(const float* from, int64_t count, uint16_t* to) {
  for (int64_t k = 0; k < count; ++k) {
    const auto bits = std::bit_cast<uint32_t>(from[k]);
    to[k] = static_cast<uint16_t>((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
  }
}

struct Interval {
  float least, most;
  float fault;  ///< 0, or NaN if a value is not finite
};

/// Returns the least and the largest value of a row, with 0 among them.
CCEXPERT_VECTOR_CLONES Interval interval_of(const float* row, int64_t count) {
  std::array<float, kLanes> least{}, most{}, fault{};
  const auto size = static_cast<size_t>(count);
  size_t k = 0;
  for (; k + kLanes <= size; k += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      const float x = row[k + lane];
      least[lane] = x < least[lane] ? x : least[lane];
      most[lane] = x > most[lane] ? x : most[lane];
      fault[lane] += x - x;
    }
  }
  for (; k < size; ++k) {
    least[0] = std::min(least[0], row[k]);
    most[0] = std::max(most[0], row[k]);
    fault[0] += row[k] - row[k];
  }
  return {.least = *std::min_element(least.begin(), least.end()),
          .most = *std::max_element(most.begin(), most.end()),
          .fault = std::accumulate(fault.begin(), fault.end(), 0.0F)};
}

/// Quantisation of a row: x is about (byte - zero) * scale.
struct RowScale {
  float scale = 1.0F;
  int32_t zero = 0;
};

/// Adding it to a float of small magnitude rounds to the nearest integer, half to even, in the low bits.
constexpr float kRounding = 12'582'912.0F;  // 1.5 * 2^23
constexpr int32_t kRoundingBits = std::bit_cast<int32_t>(kRounding);

CCEXPERT_VECTOR_CLONES void write_bytes(const float* row, int64_t count, const RowScale& scale,
                                        uint8_t* bytes) {
  const float inverse = 1.0F / scale.scale;
  const auto zero = static_cast<float>(scale.zero);
  for (int64_t k = 0; k < count; ++k) {
    const float shifted = std::min(std::max(row[k] * inverse + zero, 0.0F), 255.0F);
    bytes[k] = static_cast<uint8_t>(std::bit_cast<int32_t>(shifted + kRounding) - kRoundingBits);
  }
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

/// Rows of x as bytes [M,K] with rows of `stride` bytes, and their scales.
struct QuantizedRows {
  int64_t stride;
  std::vector<RowScale> scales;
  std::vector<uint8_t> bytes;
};

/// Row m of x [M,K] in float32: its own memory, or `buffer` if it has another dtype.
const float* row_of(const at::Tensor& x, int64_t m, std::vector<float>& buffer) {
  const int64_t count = x.size(1);
  if (x.scalar_type() == at::kFloat) return x.const_data_ptr<float>() + m * count;
  buffer.resize(static_cast<size_t>(count));
  widen(static_cast<const uint16_t*>(x.const_data_ptr()) + m * count, count, buffer.data());
  return buffer.data();
}

QuantizedRows quantize(const at::Tensor& x, int64_t stride, int64_t padded_rows) {
  const int64_t rows = x.size(0), count = x.size(1);
  QuantizedRows result{stride, std::vector<RowScale>(static_cast<size_t>(rows)),
                       std::vector<uint8_t>(static_cast<size_t>(padded_rows * stride))};
  const int64_t grain = std::max<int64_t>(1, 16'384 / count);
  at::parallel_for(0, rows, grain, [&](int64_t begin, int64_t end) {
    std::vector<float> buffer;
    for (int64_t m = begin; m < end; ++m) {
      result.scales[static_cast<size_t>(m)] =
          quantize_row(row_of(x, m, buffer), count, result.bytes.data() + m * stride);
    }
  });
  return result;
}

/// Factors of the columns of a panel.
struct Columns {
  const float* scales;
  const float* biases;
  const int32_t* sums;  ///< of the weights of each column
};

/// Scales one row of sums to floats. Always a whole panel, so that loops have a fixed length.
CCEXPERT_VECTOR_CLONES void write_panel(const int32_t* sums, const RowScale& row, const Columns& columns,
                                        float* out) {
  for (int64_t n = 0; n < kPanel; ++n) {
    const auto sum = static_cast<float>(sums[n] - row.zero * columns.sums[n]);
    out[n] = sum * (row.scale * columns.scales[n]) + columns.biases[n];
  }
}

/// Copies a tensor of floats.
void copy(const at::Tensor& from, std::vector<float>& to) {
  const auto values = from.to(at::kFloat).contiguous();
  std::memcpy(to.data(), values.const_data_ptr<float>(), static_cast<size_t>(values.numel()) * sizeof(float));
}

/// Rows of a tile.
struct TileRows {
  int64_t first, count;
};

class TiledMatrix : public Int8Matrix {
 public:
  TiledMatrix(const Int8Weights& weights, const at::Tensor& bias)
      : outputs_(weights.values.size(0)),
        inputs_(weights.values.size(1)),
        stride_(rounded_up(inputs_, kGroup)),
        panels_(rounded_up(outputs_, kPanel) / kPanel),
        scales_(static_cast<size_t>(panels_ * kPanel)),
        biases_(scales_.size()),
        sums_(scales_.size()) {
    pack(weights);
    copy(weights.scales, scales_);
    if (bias.defined()) copy(bias, biases_);
  }

  at::Tensor multiply(const at::Tensor& x) const override {
    const int64_t rows = x.size(0);
    const int64_t padded = rows <= kRowStep ? rows : rounded_up(rows, kRowStep);
    auto out = at::empty({rows, outputs_}, x.options());
    const auto quantized = quantize(x, stride_, padded);
    const int64_t blocks = rounded_up(padded, kTileRows) / kTileRows;
    // Consecutive tasks share a panel, which then stays in the cache.
    at::parallel_for(0, panels_ * blocks, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t first = task % blocks * kTileRows;
        multiply_tile(quantized, {first, std::min(kTileRows, padded - first)}, task / blocks, out);
      }
      at::native::cpublas::brgemm_release();
    });
    return out;
  }

 private:
  int64_t panel_bytes() const { return kPanel * stride_; }

  /// Packs in the memory of the weights if it may be used and has room for whole panels.
  void pack(const Int8Weights& weights) {
    const auto& values = weights.values;
    const bool in_place = weights.may_pack_in_place && values.is_contiguous() &&
                          values.storage_offset() == 0 && inputs_ == stride_ &&
                          static_cast<int64_t>(values.storage().nbytes()) >= panels_ * panel_bytes();
    const auto rows = values.contiguous();
    packed_ = in_place ? values.as_strided({panels_ * panel_bytes()}, {1})
                       : at::empty({panels_ * panel_bytes()}, at::kChar);
    const int8_t* from = rows.const_data_ptr<int8_t>();
    auto* to = packed_.mutable_data_ptr<int8_t>();
    at::parallel_for(0, panels_, 1, [&](int64_t begin, int64_t end) {
      std::vector<int8_t> panel(static_cast<size_t>(panel_bytes()));
      for (int64_t index = begin; index < end; ++index) {
        std::fill(panel.begin(), panel.end(), int8_t{0});
        const int64_t first = index * kPanel, last = std::min(first + kPanel, outputs_);
        for (int64_t n = first; n < last; ++n) {
          sums_[static_cast<size_t>(n)] = pack_row(from + n * inputs_, panel.data() + (n - first) * kGroup);
        }
        std::memcpy(to + index * panel_bytes(), panel.data(), panel.size());
      }
    });
  }

  /// Returns the sum of the row.
  int32_t pack_row(const int8_t* row, int8_t* column) const {
    int32_t sum = 0;
    for (int64_t k = 0; k < inputs_; ++k) {
      column[k / kGroup * kPanel * kGroup + k % kGroup] = row[k];
      sum += row[k];
    }
    return sum;
  }

  void multiply_tile(const QuantizedRows& x, TileRows rows, int64_t panel, const at::Tensor& out) const {
    alignas(64) std::array<int32_t, kTileRows * kPanel> sums;
    at::native::cpublas::brgemm(rows.count, kPanel, stride_, stride_, kPanel, kPanel, /*add_C=*/false,
                                x.bytes.data() + rows.first * stride_,
                                packed_.const_data_ptr<int8_t>() + panel * panel_bytes(), sums.data(),
                                /*is_vnni=*/true);
    const int64_t column = panel * kPanel, width = std::min(kPanel, outputs_ - column);
    const Columns columns{scales_.data() + column, biases_.data() + column, sums_.data() + column};
    const auto end = std::min(rows.first + rows.count, std::ssize(x.scales));
    std::array<float, kPanel> row;
    for (int64_t m = rows.first; m < end; ++m) {
      write_panel(sums.data() + (m - rows.first) * kPanel, x.scales[static_cast<size_t>(m)], columns,
                  row.data());
      write_row(row, width, m * outputs_ + column, out);
    }
  }

  static void write_row(const std::array<float, kPanel>& row, int64_t width, int64_t place,
                        const at::Tensor& out) {
    if (out.scalar_type() == at::kFloat) {
      std::copy_n(row.begin(), width, out.mutable_data_ptr<float>() + place);
    } else {
      narrow(row.data(), width, static_cast<uint16_t*>(out.mutable_data_ptr()) + place);
    }
  }

  int64_t outputs_, inputs_, stride_, panels_;
  at::Tensor packed_;  ///< [N/64][K/4][64][4], zeros at the ends
  std::vector<float> scales_, biases_;
  std::vector<int32_t> sums_;
};

}  // namespace

std::unique_ptr<const Int8Matrix> pack_for_tiles(const Int8Weights& weights, const at::Tensor& bias) {
  return std::make_unique<TiledMatrix>(weights, bias);
}

}  // namespace ccexpert::kernels

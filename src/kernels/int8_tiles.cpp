#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/native/CPUBlas.h>

#include "kernels/int8_call.h"
#include "kernels/int8_kernels.h"
#include "kernels/product_inputs.h"

namespace ccexpert::kernels {
namespace {

constexpr int64_t kPanel = kInt8Panel;
/// Rows of a tile of the result, which stays in the first cache.
constexpr int64_t kTileRows = 64;
/// A row count is rounded up to a multiple of this if it is larger: the kernel is compiled for each count.
constexpr int64_t kRowStep = 16;
/// Weights of four consecutive inputs are neighbours, as VNNI and AMX read them.
constexpr int64_t kGroup = 4;

constexpr int64_t rounded_up(int64_t value, int64_t step) {
  return (value + step - 1) / step * step;
}

/// Rows of x as bytes [M,K] with rows of `stride` bytes, and the scales of their blocks.
class QuantizedRows {
 public:
  /// `padded` rows, of which those after the rows of x are zeros.
  QuantizedRows(const Int8Call& call, const InputBlocks& blocks, int64_t stride, int64_t padded)
      : stride_(stride),
        rows_(call.x.size(0)),
        scales_(static_cast<size_t>(rows_ * blocks.count())),
        bytes_(std::make_unique_for_overwrite<uint8_t[]>(static_cast<size_t>(padded * stride))) {
    const int64_t count = call.x.size(1);
    std::fill(bytes_.get() + rows_ * stride, bytes_.get() + padded * stride, uint8_t{0});
    const int64_t grain = std::max<int64_t>(1, kValuesOfTask / count);
    at::parallel_for(0, rows_, grain, [&](int64_t begin, int64_t end) {
      CallRows input(call);
      for (int64_t m = begin; m < end; ++m) {
        round(input.row(m), m, blocks);
        std::fill(bytes_.get() + m * stride + count, bytes_.get() + (m + 1) * stride, uint8_t{0});
      }
    });
  }

  const uint8_t* row(int64_t m) const { return bytes_.get() + m * stride_; }
  /// Scales of a block of row m and of those after it.
  const RowScale* scales(int64_t block, int64_t m) const { return scales_.data() + block * rows_ + m; }

 private:
  static constexpr int64_t kValuesOfTask = 16'384;

  void round(const float* row, int64_t m, const InputBlocks& blocks) {
    for (int64_t b = 0; b < blocks.count(); ++b) {
      scales_[static_cast<size_t>(b * rows_ + m)] =
          quantize_row(row + blocks.first(b), blocks.width(b), bytes_.get() + m * stride_ + blocks.first(b));
    }
  }

  int64_t stride_, rows_;
  std::vector<RowScale> scales_;  ///< [blocks][rows]
  std::unique_ptr<uint8_t[]> bytes_;
};

/// Rows of a tile; `real` of them are rows of x.
struct TileRows {
  int64_t first, count, real;
};

/// Results of a tile [rows,64] in float32.
using Tile = std::array<float, kTileRows * kPanel>;

class TiledMatrix : public Int8Matrix {
 public:
  TiledMatrix(const Int8Weights& weights, const at::Tensor& bias, int64_t block)
      : outputs_(weights.values.size(0)),
        inputs_(weights.values.size(1)),
        blocks_(inputs_, block),
        stride_(rounded_up(inputs_, kGroup)),
        panels_(rounded_up(outputs_, kPanel) / kPanel),
        scales_(floats_of(weights.scales)),
        sums_(static_cast<size_t>(blocks_.count() * panels_ * kPanel)) {
    pack(weights);
    if (bias.defined()) biases_ = floats_of(bias);
    scales_.resize(static_cast<size_t>(panels_ * kPanel));
    biases_.resize(scales_.size());
  }

  std::vector<at::Tensor> multiply_all(const Int8Call& call,
                                       const std::vector<const Int8Matrix*>& matrices) const override;

  at::Tensor rows(const at::Tensor& ids) const override {
    const auto numbers = ids.to(at::kLong).contiguous();
    auto shape = ids.sizes().vec();
    shape.push_back(inputs_);
    auto result = at::empty(shape, at::kFloat);
    auto* to = result.mutable_data_ptr<float>();
    for (int64_t i = 0; i < numbers.numel(); ++i) {
      unpack_row(numbers.const_data_ptr<int64_t>()[i], to + i * inputs_);
    }
    return result;
  }

  int64_t outputs() const { return outputs_; }
  int64_t inputs() const { return inputs_; }
  const InputBlocks& blocks() const { return blocks_; }
  int64_t panels() const { return panels_; }
  /// Bytes of a row of x.
  int64_t stride() const { return stride_; }

  /// Writes the products of some rows with the weights of a panel.
  void multiply_tile(const QuantizedRows& x, const TileRows& rows, int64_t panel, Tile& out) const {
    alignas(64) std::array<int32_t, kTileRows * kPanel> sums;
    const int64_t column = panel * kPanel;
    for (int64_t b = 0; b < blocks_.count(); ++b) {
      const int64_t first = blocks_.first(b), width = rounded_up(blocks_.width(b), kGroup);
      at::native::cpublas::brgemm(
          rows.count, kPanel, width, stride_, kPanel, kPanel, /*add_C=*/false, x.row(rows.first) + first,
          packed_.const_data_ptr<int8_t>() + panel * panel_bytes() + first * kPanel, sums.data(),
          /*is_vnni=*/true);
      const PanelFactors factors{scales_.data() + column, biases_.data() + column,
                                 sums_.data() + b * panels_ * kPanel + column};
      const auto write = b == 0 ? scale_sums : add_scaled_sums;
      write(sums.data(), x.scales(b, rows.first), rows.real, factors, out.data());
    }
  }

 private:
  int64_t panel_bytes() const { return kPanel * stride_; }

  void unpack_row(int64_t n, float* to) const {
    TORCH_CHECK_INDEX(n >= 0 && n < outputs_, "row ", n, " of ", outputs_);
    const int8_t* column =
        packed_.const_data_ptr<int8_t>() + n / kPanel * panel_bytes() + n % kPanel * kGroup;
    const float scale = scales_[static_cast<size_t>(n)];
    for (int64_t k = 0; k < inputs_; ++k) {
      const int64_t place = k / kGroup * kPanel * kGroup + k % kGroup;
      to[k] = static_cast<float>(column[place]) * scale;
    }
  }

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
          pack_row(from + n * inputs_, panel.data() + (n - first) * kGroup);
          sum_row(from + n * inputs_, n);
        }
        std::memcpy(to + index * panel_bytes(), panel.data(), panel.size());
      }
    });
  }

  void pack_row(const int8_t* row, int8_t* column) const {
    for (int64_t k = 0; k < inputs_; k += kGroup) {
      const auto count = static_cast<size_t>(std::min(kGroup, inputs_ - k));
      std::memcpy(column + k * kPanel, row + k, count);
    }
  }

  void sum_row(const int8_t* row, int64_t n) {
    for (int64_t b = 0; b < blocks_.count(); ++b) {
      const int8_t* first = row + blocks_.first(b);
      sums_[static_cast<size_t>(b * panels_ * kPanel + n)] =
          std::accumulate(first, first + blocks_.width(b), int32_t{0});
    }
  }

  int64_t outputs_, inputs_;
  InputBlocks blocks_;
  int64_t stride_, panels_;
  at::Tensor packed_;  ///< [N/64][K/4][64][4], zeros at the ends
  std::vector<float> scales_, biases_;
  std::vector<int32_t> sums_;  ///< [blocks][N]
};

/// One call for some matrices: tasks are tiles of their results.
class TiledCall {
 public:
  TiledCall(const Int8Call& call, const std::vector<const Int8Matrix*>& matrices)
      : call_(call),
        matrices_(tiled(matrices, call.x)),
        padded_(padded_rows(call.x.size(0))),
        x_(call, matrices_.front()->blocks(), matrices_.front()->stride(), padded_),
        results_(call, outputs_of(matrices_)) {
    const size_t count = call.gated ? 1 : matrices_.size();
    for (size_t index = 0; index < count; ++index) {
      for (int64_t panel = 0; panel < matrices_[index]->panels(); ++panel) panels_.push_back({index, panel});
    }
  }

  std::vector<at::Tensor> run() {
    const int64_t blocks = rounded_up(padded_, kTileRows) / kTileRows;
    // Consecutive tasks share a panel, which then stays in the cache.
    at::parallel_for(0, std::ssize(panels_) * blocks, 1, [&](int64_t begin, int64_t end) {
      Tile result, factors;
      for (int64_t task = begin; task < end; ++task) {
        const int64_t first = task % blocks * kTileRows;
        const TileRows rows{first, std::min(kTileRows, padded_ - first),
                            std::min(kTileRows, call_.x.size(0) - first)};
        run_tile(rows, panels_[static_cast<size_t>(task / blocks)], result, factors);
      }
      at::native::cpublas::brgemm_release();
    });
    return results_.take();
  }

 private:
  struct Panel {
    size_t matrix;
    int64_t index;
  };

  static std::vector<const TiledMatrix*> tiled(const std::vector<const Int8Matrix*>& matrices,
                                               const at::Tensor& x) {
    std::vector<const TiledMatrix*> result;
    for (const auto* matrix : matrices) {
      result.push_back(&dynamic_cast<const TiledMatrix&>(*matrix));
      expect_inputs("int8 product", x, result.back()->inputs());
      expect_same_blocks(result.front()->blocks(), result.back()->blocks());
    }
    return result;
  }

  static std::vector<int64_t> outputs_of(const std::vector<const TiledMatrix*>& matrices) {
    std::vector<int64_t> result;
    for (const auto* matrix : matrices) result.push_back(matrix->outputs());
    return result;
  }

  static int64_t padded_rows(int64_t rows) { return rows <= kRowStep ? rows : rounded_up(rows, kRowStep); }

  void run_tile(const TileRows& rows, const Panel& panel, Tile& result, Tile& factors) const {
    const auto& matrix = *matrices_[panel.matrix];
    matrix.multiply_tile(x_, rows, panel.index, result);
    apply_function(call_.function, result.data(), rows.real * kPanel);
    if (call_.gated) {
      matrices_[1]->multiply_tile(x_, rows, panel.index, factors);
      multiply_row(result.data(), factors.data(), rows.real * kPanel);
    }
    const int64_t column = panel.index * kPanel, width = std::min(kPanel, matrix.outputs() - column);
    for (int64_t m = 0; m < rows.real; ++m) {
      results_.store(panel.matrix, rows.first + m, column, result.data() + m * kPanel, width);
    }
  }

  const Int8Call& call_;
  std::vector<const TiledMatrix*> matrices_;
  int64_t padded_;
  QuantizedRows x_;
  CallResults results_;
  std::vector<Panel> panels_;
};

std::vector<at::Tensor> TiledMatrix::multiply_all(const Int8Call& call,
                                                  const std::vector<const Int8Matrix*>& matrices) const {
  return TiledCall(call, matrices).run();
}

}  // namespace

std::unique_ptr<const Int8Matrix> pack_for_tiles(const Int8Weights& weights, const at::Tensor& bias,
                                                 int64_t block) {
  return std::make_unique<TiledMatrix>(weights, bias, block);
}

}  // namespace ccexpert::kernels

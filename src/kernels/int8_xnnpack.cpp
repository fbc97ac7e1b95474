#include <algorithm>
#include <array>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <xnnpack.h>

#include <ccexpert/core/error.h>

#include "kernels/int8_call.h"
#include "kernels/int8_kernels.h"
#include "kernels/product_inputs.h"

namespace ccexpert::kernels {
namespace {

void expect_success(xnn_status status, const char* step) {
  if (status == xnn_status_success) return;
  const bool scarce = status == xnn_status_out_of_memory;
  fail("int8 product", std::string(step) + " failed in XNNPACK, status " + std::to_string(status), {},
       scarce ? ErrorKind::kResource : ErrorKind::kInternal);
}

struct OperatorDeleter {
  void operator()(xnn_operator_t made) const { xnn_delete_operator(made); }
};
using Operator = std::unique_ptr<xnn_operator, OperatorDeleter>;

/// Rows of a task of a thread.
int64_t rows_at_once(int64_t width) {
  constexpr int64_t kValuesOfTask = 16'384;
  return std::max<int64_t>(1, kValuesOfTask / width);
}

/// Runs an operator on the calling thread. Loops over operators use LibTorch's threads, as a second pool
/// would compete with them for the cores.
void run(xnn_operator_t what) {
  expect_success(xnn_run_operator(what, nullptr), "a run");
}

/// Rows of a call's x, rounded in blocks.
class RoundedRows {
 public:
  RoundedRows(const Int8Call& call, const InputBlocks& blocks)
      : rows_(static_cast<size_t>(call.x.size(0))),
        bytes_(std::make_unique_for_overwrite<int8_t[]>(rows_ * static_cast<size_t>(call.x.size(1)) +
                                                        XNN_EXTRA_BYTES)),
        scales_(static_cast<size_t>(blocks.count()), Scales(rows_ + XNN_EXTRA_QUANTIZATION_PARAMS)),
        faults_(rows_) {
    const int64_t width = call.x.size(1);
    at::parallel_for(0, call.x.size(0), rows_at_once(width), [&](int64_t begin, int64_t end) {
      CallRows input(call);
      const Operator convert = converter();
      for (int64_t m = begin; m < end; ++m) {
        const float* row = input.row(m);
        faults_[static_cast<size_t>(m)] = row_fault(row, width);
        for (int64_t b = 0; b < blocks.count(); ++b) {
          const int64_t first = blocks.first(b);
          scales_[static_cast<size_t>(b)][static_cast<size_t>(m)] =
              round({row + first, bytes_.get() + m * width + first, blocks.width(b)}, convert.get());
        }
      }
    });
    // The kernel reads a few more scales than there are rows.
    for (auto& scales : scales_)
      std::fill(scales.begin() + static_cast<ptrdiff_t>(rows_), scales.end(), scales[rows_ - 1]);
  }

  size_t rows() const { return rows_; }
  const int8_t* bytes() const { return bytes_.get(); }
  const xnn_quantization_params* scales(size_t block) const { return scales_[block].data(); }
  /// 0 for a finite row, else NaN: rounding hides it.
  float fault(int64_t m) const { return faults_[static_cast<size_t>(m)]; }

 private:
  static Operator converter() {
    xnn_operator_t made = nullptr;
    expect_success(xnn_create_convert_nc_f32_qd8(0, &made), "a quantiser");
    return Operator(made);
  }

  struct Piece {
    const float* from;
    int8_t* to;
    int64_t count;
  };

  static xnn_quantization_params round(const Piece& piece, xnn_operator_t convert) {
    const auto width = static_cast<size_t>(piece.count);
    expect_success(xnn_reshape_convert_nc_f32_qd8(convert, 1, width, width, width, nullptr), "a shape");
    // A run also writes the scales of rows that another thread may round.
    std::array<xnn_quantization_params, 1 + XNN_EXTRA_QUANTIZATION_PARAMS> scales{};
    expect_success(xnn_setup_convert_nc_f32_qd8(convert, piece.from, piece.to, scales.data()), "a set-up");
    run(convert);
    return scales[0];
  }

  using Scales = std::vector<xnn_quantization_params>;
  size_t rows_;
  std::unique_ptr<int8_t[]> bytes_;
  std::vector<Scales> scales_;  ///< [blocks][rows and a few]
  std::vector<float> faults_;
};

/// Outputs of one operator of a matrix: few, so that all threads have as much to do, but not so few that
/// calls of operators count.
int64_t outputs_at_once(int64_t outputs) {
  constexpr int64_t kStep = 16, kParts = 64, kLeast = 64, kMost = 1024;
  return std::clamp((outputs / kParts + kStep - 1) / kStep * kStep, kLeast, kMost);
}

class XnnpackMatrix : public Int8Matrix {
 public:
  XnnpackMatrix(const Int8Weights& weights, const at::Tensor& bias, int64_t block)
      : inputs_(weights.values.size(1)),
        outputs_(weights.values.size(0)),
        blocks_(inputs_, block),
        step_(outputs_at_once(outputs_)) {
    static const xnn_status started = xnn_initialize(nullptr);
    expect_success(started, "the start");
    const auto scales = weights.scales.to(at::kFloat).contiguous();
    const auto biases = bias.defined() ? bias.to(at::kFloat).contiguous() : at::Tensor();
    for (int64_t b = 0; b < blocks_.count(); ++b) {
      const auto values = weights.values.narrow(1, blocks_.first(b), blocks_.width(b)).contiguous();
      auto& parts = products_.emplace_back();
      for (int64_t first = 0; first < outputs_; first += step_) {
        const auto width = std::min(step_, outputs_ - first);
        parts.push_back(
            packed({.values = values.narrow(0, first, width),
                    .scales = scales.narrow(0, first, width),
                    .bias = b == 0 && bias.defined() ? biases.narrow(0, first, width) : at::Tensor(),
                    .stride = b == 0 ? outputs_ : width}));
      }
    }
  }

  std::vector<at::Tensor> multiply_all(const Int8Call& call,
                                       const std::vector<const Int8Matrix*>& matrices) const override;

  int64_t inputs() const { return inputs_; }
  int64_t outputs() const { return outputs_; }
  const InputBlocks& blocks() const { return blocks_; }

  /// Writes x W^T + b, [rows,outputs].
  void multiply_rows(const RoundedRows& x, float* out) const {
    // An operator keeps the pointers of a call.
    const std::lock_guard lock(mutex_);
    const int64_t parts = std::ssize(products_.front());
    at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
      std::vector<float> more(blocks_.count() > 1 ? x.rows() * static_cast<size_t>(step_) : 0);
      for (int64_t part = begin; part < end; ++part) {
        float* to = out + part * step_;
        multiply_part(x, 0, part, to);
        for (int64_t b = 1; b < blocks_.count(); ++b) {
          multiply_part(x, b, part, more.data());
          add_part(more.data(), x.rows(), std::min(step_, outputs_ - part * step_), to);
        }
      }
    });
  }

 private:
  /// Weights of an operator and the distance between its rows of results.
  struct Part {
    at::Tensor values, scales, bias;
    int64_t stride;
  };

  /// All of a part's columns are neighbours.
  Operator packed(const Part& part) const {
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const auto outputs = static_cast<size_t>(part.values.size(0));
    const auto inputs = static_cast<size_t>(part.values.size(1));
    xnn_operator_t product = nullptr;
    expect_success(xnn_create_fully_connected_nc_qd8_f32_qc8w(
                       inputs, outputs, static_cast<size_t>(inputs_), static_cast<size_t>(part.stride),
                       part.scales.const_data_ptr<float>(), part.values.const_data_ptr<int8_t>(),
                       part.bias.defined() ? part.bias.const_data_ptr<float>() : nullptr, -kInfinity,
                       kInfinity, 0, nullptr, nullptr, &product),
                   "packing of weights");
    return Operator(product);
  }

  void multiply_part(const RoundedRows& x, int64_t block, int64_t part, float* to) const {
    const auto b = static_cast<size_t>(block);
    auto* product = products_[b][static_cast<size_t>(part)].get();
    expect_success(xnn_reshape_fully_connected_nc_qd8_f32_qc8w(product, x.rows(), nullptr), "a shape");
    expect_success(
        xnn_setup_fully_connected_nc_qd8_f32_qc8w(product, x.bytes() + blocks_.first(block), to, x.scales(b)),
        "a set-up");
    run(product);
  }

  /// Adds `rows` of `width` results.
  void add_part(const float* from, size_t rows, int64_t width, float* to) const {
    for (size_t m = 0; m < rows; ++m, from += width, to += outputs_) add_row(to, from, width);
  }

  int64_t inputs_;
  int64_t outputs_;
  InputBlocks blocks_;
  int64_t step_;  ///< outputs of an operator; the last may have fewer
  mutable std::mutex mutex_;
  std::vector<std::vector<Operator>> products_;  ///< [blocks][parts]
};

/// Applies what follows the products to `rows`, [M,outputs] in float32; `factors` null: no gate.
void finish(const Int8Call& call, const RoundedRows& x, at::Tensor& rows, const at::Tensor& factors,
            const std::function<void(int64_t m, float* row)>& store) {
  const int64_t width = rows.size(1);
  at::parallel_for(0, rows.size(0), rows_at_once(width), [&](int64_t begin, int64_t end) {
    for (int64_t m = begin; m < end; ++m) {
      float* row = rows.mutable_data_ptr<float>() + m * width;
      apply_function(call.function, row, width);
      if (factors.defined()) multiply_row(row, factors.const_data_ptr<float>() + m * width, width);
      shift_row(row, x.fault(m), width);
      store(m, row);
    }
  });
}

std::vector<at::Tensor> XnnpackMatrix::multiply_all(const Int8Call& call,
                                                    const std::vector<const Int8Matrix*>& matrices) const {
  std::vector<const XnnpackMatrix*> all;
  std::vector<int64_t> outputs;
  for (const auto* matrix : matrices) {
    all.push_back(&dynamic_cast<const XnnpackMatrix&>(*matrix));
    expect_inputs("int8 product", call.x, all.back()->inputs());
    expect_same_blocks(all.front()->blocks(), all.back()->blocks());
    outputs.push_back(all.back()->outputs());
  }
  CallResults results(call, outputs);
  if (call.x.size(0) == 0) return results.take();
  const RoundedRows x(call, all.front()->blocks());
  const auto floats = call.x.options().dtype(at::kFloat);
  for (size_t index = 0; index < results.count(); ++index) {
    auto rows = results.floats(index);
    if (!rows.defined()) rows = at::empty({call.x.size(0), outputs[index]}, floats);
    all[index]->multiply_rows(x, rows.mutable_data_ptr<float>());
    at::Tensor factors;
    if (call.gated) {
      factors = at::empty_like(rows);
      all[1]->multiply_rows(x, factors.mutable_data_ptr<float>());
    }
    finish(call, x, rows, factors,
           [&](int64_t m, float* row) { results.store(index, m, 0, row, outputs[index]); });
  }
  return results.take();
}

}  // namespace

std::unique_ptr<const Int8Matrix> pack_for_xnnpack(const Int8Weights& weights, const at::Tensor& bias,
                                                   int64_t block) {
  return std::make_unique<XnnpackMatrix>(weights, bias, block);
}

}  // namespace ccexpert::kernels

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

/// Rows of a call's x, rounded.
class RoundedRows {
 public:
  explicit RoundedRows(const Int8Call& call)
      : rows_(static_cast<size_t>(call.x.size(0))),
        bytes_(std::make_unique_for_overwrite<int8_t[]>(rows_ * static_cast<size_t>(call.x.size(1)) +
                                                        XNN_EXTRA_BYTES)),
        scales_(rows_ + XNN_EXTRA_QUANTIZATION_PARAMS),
        faults_(rows_) {
    const int64_t width = call.x.size(1);
    at::parallel_for(0, call.x.size(0), rows_at_once(width), [&](int64_t begin, int64_t end) {
      CallRows input(call);
      const Operator convert = converter();
      for (int64_t m = begin; m < end; ++m) round(input.row(m), m, width, convert.get());
    });
    // The kernel reads a few more scales than there are rows.
    std::fill(scales_.begin() + static_cast<ptrdiff_t>(rows_), scales_.end(), scales_[rows_ - 1]);
  }

  size_t rows() const { return rows_; }
  const int8_t* bytes() const { return bytes_.get(); }
  const xnn_quantization_params* scales() const { return scales_.data(); }
  /// 0 for a finite row, else NaN: rounding hides it.
  float fault(int64_t m) const { return faults_[static_cast<size_t>(m)]; }

 private:
  static Operator converter() {
    xnn_operator_t made = nullptr;
    expect_success(xnn_create_convert_nc_f32_qd8(0, &made), "a quantiser");
    return Operator(made);
  }

  void round(const float* row, int64_t m, int64_t count, xnn_operator_t convert) {
    const auto index = static_cast<size_t>(m), width = static_cast<size_t>(count);
    faults_[index] = row_fault(row, count);
    expect_success(xnn_reshape_convert_nc_f32_qd8(convert, 1, width, width, width, nullptr), "a shape");
    // A run also writes the scales of rows that another thread may round.
    std::array<xnn_quantization_params, 1 + XNN_EXTRA_QUANTIZATION_PARAMS> scales{};
    expect_success(xnn_setup_convert_nc_f32_qd8(convert, row, bytes_.get() + index * width, scales.data()),
                   "a set-up");
    run(convert);
    scales_[index] = scales[0];
  }

  size_t rows_;
  std::unique_ptr<int8_t[]> bytes_;
  std::vector<xnn_quantization_params> scales_;
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
  XnnpackMatrix(const Int8Weights& weights, const at::Tensor& bias)
      : inputs_(weights.values.size(1)),
        outputs_(weights.values.size(0)),
        step_(outputs_at_once(outputs_)),
        products_(static_cast<size_t>((outputs_ + step_ - 1) / step_)) {
    static const xnn_status started = xnn_initialize(nullptr);
    expect_success(started, "the start");
    const auto values = weights.values.contiguous();
    const auto scales = weights.scales.to(at::kFloat).contiguous();
    const auto biases = bias.defined() ? bias.to(at::kFloat).contiguous() : at::Tensor();
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    const auto inputs = static_cast<size_t>(inputs_);
    for (size_t i = 0; i < products_.size(); ++i) {
      const int64_t first = first_of(i);
      xnn_operator_t product = nullptr;
      expect_success(xnn_create_fully_connected_nc_qd8_f32_qc8w(
                         inputs, static_cast<size_t>(std::min(step_, outputs_ - first)), inputs,
                         static_cast<size_t>(outputs_), scales.const_data_ptr<float>() + first,
                         values.const_data_ptr<int8_t>() + first * inputs_,
                         bias.defined() ? biases.const_data_ptr<float>() + first : nullptr, -kInfinity,
                         kInfinity, 0, nullptr, nullptr, &product),
                     "packing of weights");
      products_[i].reset(product);
    }
  }

  std::vector<at::Tensor> multiply_all(const Int8Call& call,
                                       const std::vector<const Int8Matrix*>& matrices) const override;

  int64_t inputs() const { return inputs_; }
  int64_t outputs() const { return outputs_; }

  /// Writes x W^T + b, [rows,outputs].
  void multiply_rows(const RoundedRows& x, float* out) const {
    // An operator keeps the pointers of a call.
    const std::lock_guard lock(mutex_);
    at::parallel_for(0, std::ssize(products_), 1, [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
        auto* product = products_[i].get();
        expect_success(xnn_reshape_fully_connected_nc_qd8_f32_qc8w(product, x.rows(), nullptr), "a shape");
        expect_success(
            xnn_setup_fully_connected_nc_qd8_f32_qc8w(product, x.bytes(), out + first_of(i), x.scales()),
            "a set-up");
        run(product);
      }
    });
  }

 private:
  int64_t first_of(size_t i) const { return static_cast<int64_t>(i) * step_; }

  int64_t inputs_;
  int64_t outputs_;
  int64_t step_;  ///< outputs of an operator; the last may have fewer
  mutable std::mutex mutex_;
  std::vector<Operator> products_;
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
    outputs.push_back(all.back()->outputs());
  }
  CallResults results(call, outputs);
  if (call.x.size(0) == 0) return results.take();
  const RoundedRows x(call);
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

std::unique_ptr<const Int8Matrix> pack_for_xnnpack(const Int8Weights& weights, const at::Tensor& bias) {
  return std::make_unique<XnnpackMatrix>(weights, bias);
}

}  // namespace ccexpert::kernels

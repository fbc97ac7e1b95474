#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <pthreadpool.h>
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

/// Threads of XNNPACK's operators: as many as LibTorch's, which sleep meanwhile.
class Threads {
 public:
  /// Runs an operator on all threads; one operator at a time.
  void run(xnn_operator_t what) {
    const std::lock_guard lock(mutex_);
    expect_success(xnn_run_operator(what, pool_of(at::get_num_threads())), "a run");
  }

  /// Prepares an operator for the pool, by `reshape(pool)`.
  template <class Reshape>
  void prepare(const Reshape& reshape) {
    const std::lock_guard lock(mutex_);
    expect_success(reshape(pool_of(at::get_num_threads())), "a shape");
  }

  static Threads& shared() {
    static Threads threads;
    return threads;
  }

 private:
  struct Deleter {
    void operator()(pthreadpool_t pool) const { pthreadpool_destroy(pool); }
  };

  /// A single thread needs no pool.
  pthreadpool_t pool_of(int count) {
    if (count != count_) {
      pool_.reset(count > 1 ? pthreadpool_create(static_cast<size_t>(count)) : nullptr);
      count_ = count;
    }
    return pool_.get();
  }

  std::mutex mutex_;
  std::unique_ptr<pthreadpool, Deleter> pool_;
  int count_ = 1;
};

/// Rows of a call's x, rounded.
class RoundedRows {
 public:
  explicit RoundedRows(const Int8Call& call)
      : rows_(static_cast<size_t>(call.x.size(0))),
        bytes_(std::make_unique_for_overwrite<int8_t[]>(rows_ * static_cast<size_t>(call.x.size(1)) +
                                                        XNN_EXTRA_BYTES)),
        scales_(rows_ + XNN_EXTRA_QUANTIZATION_PARAMS),
        faults_(rows_) {
    const bool as_it_is = call.x.scalar_type() == at::kFloat && !call.norm.weight.defined();
    const auto x = as_it_is ? call.x : at::empty_like(call.x, call.x.options().dtype(at::kFloat));
    read(call, as_it_is ? nullptr : x.mutable_data_ptr<float>());
    round(x);
    // The kernel reads a few more scales than there are rows.
    std::fill(scales_.begin() + static_cast<ptrdiff_t>(rows_), scales_.end(), scales_[rows_ - 1]);
  }

  size_t rows() const { return rows_; }
  const int8_t* bytes() const { return bytes_.get(); }
  const xnn_quantization_params* scales() const { return scales_.data(); }
  /// 0 for a finite row, else NaN: rounding hides it.
  float fault(int64_t m) const { return faults_[static_cast<size_t>(m)]; }

 private:
  /// Finds faults and, unless `to` is null, writes the rows there.
  void read(const Int8Call& call, float* to) {
    const int64_t count = call.x.size(1);
    at::parallel_for(0, call.x.size(0), rows_at_once(count), [&](int64_t begin, int64_t end) {
      CallRows input(call);
      for (int64_t m = begin; m < end; ++m) {
        const float* row = input.row(m);
        faults_[static_cast<size_t>(m)] = row_fault(row, count);
        if (to != nullptr) std::copy_n(row, count, to + m * count);
      }
    });
  }

  void round(const at::Tensor& x) {
    const auto width = static_cast<size_t>(x.size(1));
    xnn_operator_t made = nullptr;
    expect_success(xnn_create_convert_nc_f32_qd8(0, &made), "a quantiser");
    const Operator convert(made);
    auto& threads = Threads::shared();
    threads.prepare([&](pthreadpool_t pool) {
      return xnn_reshape_convert_nc_f32_qd8(made, rows_, width, width, width, pool);
    });
    expect_success(
        xnn_setup_convert_nc_f32_qd8(made, x.const_data_ptr<float>(), bytes_.get(), scales_.data()),
        "a set-up");
    threads.run(made);
  }

  size_t rows_;
  std::unique_ptr<int8_t[]> bytes_;
  std::vector<xnn_quantization_params> scales_;
  std::vector<float> faults_;
};

class XnnpackMatrix : public Int8Matrix {
 public:
  XnnpackMatrix(const Int8Weights& weights, const at::Tensor& bias)
      : inputs_(weights.values.size(1)), outputs_(static_cast<size_t>(weights.values.size(0))) {
    static const xnn_status started = xnn_initialize(nullptr);
    expect_success(started, "the start");
    const auto inputs = static_cast<size_t>(inputs_);
    const auto values = weights.values.contiguous();
    const auto scales = weights.scales.to(at::kFloat).contiguous();
    const auto biases = bias.defined() ? bias.to(at::kFloat).contiguous() : at::Tensor();
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    xnn_operator_t product = nullptr;
    expect_success(
        xnn_create_fully_connected_nc_qd8_f32_qc8w(
            inputs, outputs_, inputs, outputs_, scales.const_data_ptr<float>(),
            values.const_data_ptr<int8_t>(), bias.defined() ? biases.const_data_ptr<float>() : nullptr,
            -kInfinity, kInfinity, 0, nullptr, nullptr, &product),
        "packing of weights");
    product_.reset(product);
  }

  std::vector<at::Tensor> multiply_all(const Int8Call& call,
                                       const std::vector<const Int8Matrix*>& matrices) const override;

  int64_t inputs() const { return inputs_; }
  int64_t outputs() const { return static_cast<int64_t>(outputs_); }

  /// Writes x W^T + b, [rows,outputs].
  void multiply_rows(const RoundedRows& x, float* out) const {
    // An operator keeps the pointers of a call.
    const std::lock_guard lock(mutex_);
    auto& threads = Threads::shared();
    threads.prepare([&](pthreadpool_t pool) {
      return xnn_reshape_fully_connected_nc_qd8_f32_qc8w(product_.get(), x.rows(), pool);
    });
    expect_success(xnn_setup_fully_connected_nc_qd8_f32_qc8w(product_.get(), x.bytes(), out, x.scales()),
                   "a set-up");
    threads.run(product_.get());
  }

 private:
  int64_t inputs_;
  size_t outputs_;
  mutable std::mutex mutex_;
  Operator product_;
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

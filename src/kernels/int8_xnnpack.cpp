#include <limits>
#include <mutex>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <pthreadpool.h>
#include <xnnpack.h>

#include <ccexpert/core/error.h>

#include "kernels/int8_kernels.h"

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

class XnnpackMatrix : public Int8Matrix {
 public:
  XnnpackMatrix(const Int8Weights& weights, const at::Tensor& bias)
      : outputs_(static_cast<size_t>(weights.values.size(0))),
        inputs_(static_cast<size_t>(weights.values.size(1))) {
    static const xnn_status started = xnn_initialize(nullptr);
    expect_success(started, "the start");
    const auto values = weights.values.contiguous();
    const auto scales = weights.scales.to(at::kFloat).contiguous();
    const auto biases = bias.defined() ? bias.to(at::kFloat).contiguous() : at::Tensor();
    constexpr float kInfinity = std::numeric_limits<float>::infinity();
    xnn_operator_t product = nullptr;
    expect_success(
        xnn_create_fully_connected_nc_qd8_f32_qc8w(
            inputs_, outputs_, inputs_, outputs_, scales.const_data_ptr<float>(),
            values.const_data_ptr<int8_t>(), bias.defined() ? biases.const_data_ptr<float>() : nullptr,
            -kInfinity, kInfinity, 0, nullptr, nullptr, &product),
        "packing of weights");
    product_.reset(product);
    xnn_operator_t convert = nullptr;
    expect_success(xnn_create_convert_nc_f32_qd8(0, &convert), "a quantiser");
    convert_.reset(convert);
  }

  at::Tensor multiply(const at::Tensor& x) const override {
    return multiply_floats(x.to(at::kFloat)).to(x.scalar_type());
  }

 private:
  at::Tensor multiply_floats(const at::Tensor& x) const {
    const auto rows = static_cast<size_t>(x.size(0));
    auto out = at::empty({x.size(0), static_cast<int64_t>(outputs_)}, x.options());
    if (rows == 0) return out;
    // Operators keep the pointers of a call.
    const std::lock_guard lock(mutex_);
    std::vector<int8_t> bytes(rows * inputs_ + XNN_EXTRA_BYTES);
    std::vector<xnn_quantization_params> scales(rows + XNN_EXTRA_QUANTIZATION_PARAMS);
    auto& threads = Threads::shared();
    threads.prepare([&](pthreadpool_t pool) {
      return xnn_reshape_convert_nc_f32_qd8(convert_.get(), rows, inputs_, inputs_, inputs_, pool);
    });
    expect_success(
        xnn_setup_convert_nc_f32_qd8(convert_.get(), x.const_data_ptr<float>(), bytes.data(), scales.data()),
        "a set-up");
    threads.prepare([&](pthreadpool_t pool) {
      return xnn_reshape_fully_connected_nc_qd8_f32_qc8w(product_.get(), rows, pool);
    });
    expect_success(xnn_setup_fully_connected_nc_qd8_f32_qc8w(product_.get(), bytes.data(),
                                                             out.mutable_data_ptr<float>(), scales.data()),
                   "a set-up");
    threads.run(convert_.get());
    // The kernel reads a few more scales than there are rows.
    std::fill(scales.begin() + static_cast<ptrdiff_t>(rows), scales.end(), scales[rows - 1]);
    threads.run(product_.get());
    // 0 for finite rows, else NaN: rounding hides it.
    return out.add_(x.sub(x).sum(1, /*keepdim=*/true));
  }

  size_t outputs_, inputs_;
  mutable std::mutex mutex_;
  Operator product_, convert_;
};

}  // namespace

std::unique_ptr<const Int8Matrix> pack_for_xnnpack(const Int8Weights& weights, const at::Tensor& bias) {
  return std::make_unique<XnnpackMatrix>(weights, bias);
}

}  // namespace ccexpert::kernels

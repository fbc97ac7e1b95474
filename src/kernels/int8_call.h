// The two ends of a call of int8 products: rows of x in float32, and results.
#pragma once

#include <algorithm>
#include <vector>

#include <ATen/core/Tensor.h>

#include "kernels/int8_matrix.h"

namespace ccexpert::kernels {

/// Returns a tensor's values as floats.
std::vector<float> floats_of(const at::Tensor& from);

/// Blocks of a row's inputs, each of which is rounded with its own scale.
class InputBlocks {
 public:
  /// Blocks of `block` inputs, of which the last may have fewer; 0: one block.
  InputBlocks(int64_t inputs, int64_t block);
  int64_t size() const { return block_; }
  int64_t count() const { return count_; }
  int64_t first(int64_t index) const { return index * block_; }
  /// Returns the number of inputs.
  int64_t width(int64_t index) const { return std::min(block_, inputs_ - first(index)); }

 private:
  int64_t inputs_, block_, count_;
};

/// Throws Error unless the blocks of two matrices that read one x are equal.
void expect_same_blocks(const InputBlocks& a, const InputBlocks& b);

/// Rows of a call's x in float32, after its norm. Each thread has its own.
class CallRows {
 public:
  explicit CallRows(const Int8Call& call);
  /// Returns row m [K], until the next call.
  const float* row(int64_t m);

 private:
  const at::Tensor& x_;
  std::vector<float> weight_, bias_, wide_, normed_;
  float eps_;
};

/// Results of a call for matrices of `outputs` rows each.
class CallResults {
 public:
  /// Throws Error for a residual of another shape or dtype.
  CallResults(const Int8Call& call, const std::vector<int64_t>& outputs);
  /// Writes columns [column, column + count) of row m of result `index`, after the residual is added to
  /// `values`.
  void store(size_t index, int64_t m, int64_t column, float* values, int64_t count) const;
  size_t count() const { return results_.size(); }
  /// Returns result `index` itself, for values to be finished in place; undefined unless it is float32.
  at::Tensor floats(size_t index) const { return wide_ ? results_[index] : at::Tensor(); }
  std::vector<at::Tensor> take() { return std::move(results_); }

 private:
  const at::Tensor& residual_;
  std::vector<at::Tensor> results_;
  std::vector<void*> places_;
  bool wide_;
};

}  // namespace ccexpert::kernels

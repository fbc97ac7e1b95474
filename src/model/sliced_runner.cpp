#include "model/sliced_runner.h"

#include <ATen/ATen.h>

namespace ccexpert::model {
namespace {

TensorList row_of(const TensorList& tensors, int64_t row) {
  TensorList rows;
  for (const auto& tensor : tensors) rows.push_back(tensor.narrow(0, row, 1));
  return rows;
}

/// Returns memory for `rows` tensors like those of one.
TensorList memory_like(const TensorList& one, int64_t rows) {
  TensorList results;
  for (const auto& tensor : one) {
    auto shape = tensor.sizes().vec();
    shape.front() = rows;
    results.push_back(at::empty(shape, tensor.options()));
  }
  return results;
}

}  // namespace

TensorList SlicedRunner::run(const Block& block, const TensorList& inputs) const {
  const int64_t rows = inputs.front().size(0);
  if (rows < 2 || !block.repeatable || at::GradMode::is_enabled()) return block.compute(inputs);
  TensorList results;
  for (int64_t row = 0; row < rows; ++row) {
    const auto one = block.compute(row_of(inputs, row));
    if (results.empty()) results = memory_like(one, rows);
    for (size_t i = 0; i < one.size(); ++i) results[i].narrow(0, row, 1).copy_(one[i]);
  }
  return results;
}

}  // namespace ccexpert::model

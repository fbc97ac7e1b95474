#include "io/added_rows.h"

#include <algorithm>

#include <ATen/ATen.h>

namespace ccexpert::io {

WithoutAddedRows::WithoutAddedRows(std::unique_ptr<TensorSource> source, const WeightLayout& layout)
    : layout_(layout), source_(std::move(source)), infos_(source_->tensors()) {
  for (auto& info : infos_) {
    if (has_vocabulary_rows(info)) info.shape[0] = layout_.vocabulary_rows(info.shape[0]);
  }
}

at::Tensor WithoutAddedRows::tensor(const std::string& name) const {
  auto tensor = source_->tensor(name);
  const auto* info = find(name);
  if (info == nullptr || !has_vocabulary_rows(*info)) return tensor;
  return tensor.narrow(0, 0, info->shape[0]);
}

bool WithoutAddedRows::has_vocabulary_rows(const TensorInfo& info) const {
  const auto& names = layout_.vocabulary;
  return info.shape.size() == 2 && std::find(names.begin(), names.end(), info.name) != names.end();
}

}  // namespace ccexpert::io

// Vocabulary matrices without the rows that a layout of files adds.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ccexpert/io/tensor_source.h>
#include <ccexpert/io/weight_layout.h>

namespace ccexpert::io {

/// Tensors of `source` (in the model's names), with the `layout`'s vocabulary matrices cut to the rows that
/// the model uses. `layout` must outlive this object.
class WithoutAddedRows : public TensorSource {
 public:
  WithoutAddedRows(std::unique_ptr<TensorSource> source, const WeightLayout& layout);

  const std::vector<TensorInfo>& tensors() const override { return infos_; }
  at::Tensor tensor(const std::string& name) const override;
  void release(const std::string& name) const override { source_->release(name); }

 private:
  bool has_vocabulary_rows(const TensorInfo& info) const;

  const WeightLayout& layout_;
  std::unique_ptr<TensorSource> source_;
  std::vector<TensorInfo> infos_;
};

}  // namespace ccexpert::io

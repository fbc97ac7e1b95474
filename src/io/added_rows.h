// Embedding of the llava-hf layout with the rows of lmms-lab's checkpoints.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ccexpert/io/tensor_source.h>

namespace ccexpert::io {

/// Tensors of `source` (in the authors' names), with embedding and head without the rows that the conversion
/// to llava-hf added (lmms_vocabulary_rows).
class WithoutAddedRows : public TensorSource {
 public:
  explicit WithoutAddedRows(std::unique_ptr<TensorSource> source);

  const std::vector<TensorInfo>& tensors() const override { return infos_; }
  at::Tensor tensor(const std::string& name) const override;
  void release(const std::string& name) const override { source_->release(name); }

 private:
  std::unique_ptr<TensorSource> source_;
  std::vector<TensorInfo> infos_;
};

}  // namespace ccexpert::io

// The llava-hf layout's embedding as lmms-lab's checkpoints have it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <ccexpert/io/tensor_source.h>

namespace ccexpert::io {

/// What `source` has (in the authors' names), but embedding and head without the rows that the conversion to
/// llava-hf added (lmms_vocabulary_rows).
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

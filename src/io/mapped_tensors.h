// Tensors stored as plain bytes in mapped files.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <ccexpert/io/tensor_source.h>

#include "core/mapped_file.h"

namespace ccexpert::io {

/// Returns a tensor described by `info` over `data`, which `keep` keeps alive. Without strides it is
/// contiguous.
at::Tensor tensor_over(void* data, const TensorInfo& info, const std::vector<int64_t>& strides,
                       const std::function<void(void*)>& keep);

class MappedTensors : public TensorSource {
 public:
  struct Place {
    uint64_t offset = 0;           ///< first byte in the file
    uint64_t bytes = 0;            ///< bytes of its storage from `offset`
    std::vector<int64_t> strides;  ///< in elements; empty: contiguous
  };

  explicit MappedTensors(std::shared_ptr<const MappedFile> file) : file_(std::move(file)) {}

  /// Adds a tensor; its place must already be checked to lie in the file.
  void add(TensorInfo info, Place place);
  /// Sorts the added tensors; must be called once, before all calls except `add`.
  void finish();

  const std::vector<TensorInfo>& tensors() const override { return infos_; }
  at::Tensor tensor(const std::string& name) const override;
  void release(const std::string& name) const override;

 private:
  std::shared_ptr<const MappedFile> file_;
  std::vector<TensorInfo> infos_;
  std::unordered_map<std::string, Place> places_;
};

}  // namespace ccexpert::io

/// Named tensors in files.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace ccexpert::io {

/// Metadata of one tensor in a file.
struct TensorInfo {
  std::string name;                   ///< in the checkpoint
  at::ScalarType dtype = at::kFloat;  ///< in the file
  std::vector<int64_t> shape;         ///< in the file
  std::string file;                   ///< file with the tensor, for messages
};

/// Read-only, thread-safe set of named tensors.
class TensorSource {
 public:
  virtual ~TensorSource() = default;

  /// Returns all tensors, sorted by name.
  virtual const std::vector<TensorInfo>& tensors() const = 0;

  /// Returns the tensor in the file's dtype, without a copy if the format permits. It must not be written to,
  /// and stays valid after the source is destroyed (it keeps its storage alive). Throws Error if the name
  /// does not exist.
  virtual at::Tensor tensor(const std::string& name) const = 0;

  /// Marks a tensor as read and not needed again soon: its pages no longer count as memory of this process.
  /// Throws Error if its file was truncated meanwhile, since the bytes read are then not the file's.
  virtual void release(const std::string& name) const = 0;

  /// Returns the metadata of a tensor; null if the name does not exist.
  const TensorInfo* find(const std::string& name) const;
};

}  // namespace ccexpert::io

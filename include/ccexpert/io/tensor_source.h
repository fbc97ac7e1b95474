/// Named tensors that live in files.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

namespace ccexpert::io {

/// What a file says of one tensor.
struct TensorInfo {
  std::string name;
  at::ScalarType dtype = at::kFloat;
  std::vector<int64_t> shape;
  std::string file;  ///< file that holds it, for messages
};

/// A read-only set of named tensors. Safe to use from several threads.
class TensorSource {
 public:
  virtual ~TensorSource() = default;

  /// All tensors, sorted by name.
  virtual const std::vector<TensorInfo>& tensors() const = 0;

  /// The tensor in the file's dtype, without a copy where the format permits. It must not be written to, and
  /// stays valid on its own (it keeps what it points into alive). Throws Error where there is no such name.
  virtual at::Tensor tensor(const std::string& name) const = 0;

  /// Says that this tensor has been read and will not be soon again: its pages stop counting as our memory.
  /// Throws Error if its file became shorter meanwhile, as what was read is then not what the file held.
  virtual void release(const std::string& name) const = 0;

  /// Null where there is no such name.
  const TensorInfo* find(const std::string& name) const;
};

}  // namespace ccexpert::io

// State dictionaries as torch.save pickles them: dictionaries of tensors by name. Nothing is executed; what
// is no tensor, number, text or container is an Error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ccexpert::io {

/// What a pickle says of one tensor. Its elements lie in its storage.
struct PickledTensor {
  std::string name;
  std::string storage;            ///< key of the storage
  std::string_view dtype;         ///< as safetensors names it
  uint64_t storage_elements = 0;  ///< elements of the whole storage
  uint64_t offset = 0;            ///< first element in the storage
  uint64_t extent = 0;            ///< elements from the first to the last one; 0: no elements
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;  ///< in elements

  /// Whether the elements lie one after the other, in the order of the shape.
  bool contiguous() const;
  /// Elements; at most 2^60.
  uint64_t elements() const;
};

/// The tensors of a pickled dictionary. Each lies within its storage. Takes memory in proportion to the
/// pickle's length, and calls itself for nothing in it. Throws Error beginning with `source`.
std::vector<PickledTensor> read_state_pickle(std::string_view pickle, std::string_view source);

}  // namespace ccexpert::io

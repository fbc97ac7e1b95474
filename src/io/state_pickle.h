// State dictionaries pickled by torch.save: dictionaries of tensors by name. No code is executed; anything
// except tensors, numbers, strings and containers is an Error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ccexpert::io {

/// Metadata of one tensor in a pickle. Its elements are in its storage.
struct PickledTensor {
  std::string name;
  std::string storage;            ///< key of the storage
  std::string_view dtype;         ///< in the notation of safetensors
  uint64_t storage_elements = 0;  ///< elements of the whole storage
  uint64_t offset = 0;            ///< first element in the storage
  uint64_t extent = 0;            ///< elements from the first to the last one; 0: no elements
  std::vector<int64_t> shape;
  std::vector<int64_t> strides;  ///< in elements

  /// True if the elements are contiguous, in the order of the shape.
  bool contiguous() const;
  /// Returns the number of elements; at most 2^60.
  uint64_t elements() const;
};

/// Returns the tensors of a pickled dictionary. Each lies within its storage. If it has a dictionary under
/// the key `inner`, as training programs save it beside their own state, that one is read. Needs memory in
/// proportion to the pickle's length, and no recursion. Throws Error beginning with `source`.
std::vector<PickledTensor> read_state_pickle(std::string_view pickle, std::string_view source,
                                             std::string_view inner = {});

}  // namespace ccexpert::io

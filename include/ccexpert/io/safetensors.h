/// The safetensors format: an 8-byte header length, a JSON header, and the tensors' bytes.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>

#include <ccexpert/io/tensor_source.h>

namespace ccexpert::io {

/// Maps a file and checks its whole header: types, shapes, and offsets, which must cover the data exactly
/// once, without overlap or hole. Tensors point into the mapping. Throws Error naming the file and the
/// tensor.
std::unique_ptr<TensorSource> open_safetensors(const std::filesystem::path& path);

struct NamedTensor {  ///< Tensor of a file to write
  std::string name;   ///< in the file
  at::Tensor tensor;  ///< values
  /// Makes the values of a tensor on the meta device when they are written, so that no other is in memory.
  std::function<at::Tensor()> make = {};
};

/// Returns the values of a tensor of which this process may hold a part only.
using WholeTensor = std::function<at::Tensor(const at::Tensor&)>;

/// Writes tensors in the order of their names, one at a time (only a tensor on another device or with gaps is
/// copied). The file is written completely or not at all: to a temporary file, which is flushed to disk and
/// renamed. Throws Error if a name is repeated, the format does not support a dtype, or the disk refuses.
/// `whole` gives the values of a tensor when it is written; null: the tensor itself.
void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                       const std::map<std::string, std::string>& metadata = {{"format", "pt"}},
                       const WholeTensor& whole = nullptr);

}  // namespace ccexpert::io

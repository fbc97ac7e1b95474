// Header of a safetensors file, parsed from bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <c10/core/ScalarType.h>

namespace ccexpert::io {

struct SafetensorsEntry {
  std::string name;
  at::ScalarType dtype = at::ScalarType::Float;
  std::vector<int64_t> shape;
  uint64_t offset = 0;  ///< of the first byte in the file
  uint64_t bytes = 0;
};

/// Returns the tensors in the bytes of a whole file. Each byte of data belongs to one tensor. Throws Error
/// beginning with `source`.
std::vector<SafetensorsEntry> read_safetensors_header(std::string_view file, const std::string& source);

}  // namespace ccexpert::io

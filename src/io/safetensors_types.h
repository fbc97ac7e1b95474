// The dtype names of the safetensors format.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include <c10/core/ScalarType.h>

namespace ccexpert::io {

/// Nothing where the format's name is one we do not read.
std::optional<at::ScalarType> dtype_from_safetensors(std::string_view name);

/// Empty where the format has no name for it.
std::string_view dtype_to_safetensors(at::ScalarType dtype);

/// Bytes of an element; 0 where the format has no name for the dtype.
size_t element_bytes(at::ScalarType dtype);

}  // namespace ccexpert::io

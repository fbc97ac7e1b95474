// Names of dtypes in the safetensors format.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include <c10/core/ScalarType.h>

namespace ccexpert::io {

/// Returns the dtype of a name; nullopt if it is not supported.
std::optional<at::ScalarType> dtype_from_safetensors(std::string_view name);

/// Returns the format's name of a dtype; empty if it has none.
std::string_view dtype_to_safetensors(at::ScalarType dtype);

/// Returns the bytes of an element; 0 if the format has no name for the dtype.
size_t element_bytes(at::ScalarType dtype);

}  // namespace ccexpert::io

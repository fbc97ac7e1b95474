// NumPy's file format for arrays.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace ccexpert {

/// Returns the bytes of a .npy file (format 1.0) with float32 values in C order. Throws Error if their number
/// is not that of the shape.
std::string npy_bytes(std::span<const float> values, std::span<const int64_t> shape);

}  // namespace ccexpert

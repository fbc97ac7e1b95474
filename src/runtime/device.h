// Device and precision by name.
#pragma once

#include <string>

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

namespace ccexpert {

/// True for a name that device_from_name parses; the GPU need not exist.
bool is_known_device(const std::string& name);

/// Parses "cpu", "cuda", "cuda:N", or "auto": a GPU if one is available. Throws Error for other names and for
/// a missing GPU.
at::Device device_from_name(const std::string& name);

/// Parses "float32", "bfloat16", "float16" (or fp32, bf16, fp16), or "auto": float32 on CPU, bfloat16 on GPU.
at::ScalarType dtype_from_name(const std::string& name, at::Device device);

/// Returns the name of a dtype for dtype_from_name.
std::string dtype_name(at::ScalarType dtype);

/// Waits for all work of a GPU; does nothing for a CPU.
void synchronize(at::Device device);

}  // namespace ccexpert

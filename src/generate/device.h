// Device and precision by name.
#pragma once

#include <string>

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

namespace ccexpert {

/// "cpu", "cuda", "cuda:N", or "auto": a GPU where there is one. Throws Error for other names and for a GPU
/// that is not there.
at::Device device_from_name(const std::string& name);

/// "float32", "bfloat16", "float16" (or fp32, bf16, fp16), or "auto": float32 on CPU, bfloat16 on GPU.
at::ScalarType dtype_from_name(const std::string& name, at::Device device);

/// The name that dtype_from_name knows a dtype by.
std::string dtype_name(at::ScalarType dtype);

/// Waits for all work of a GPU; nothing to do for a CPU.
void synchronize(at::Device device);

}  // namespace ccexpert

// Memory use of this process, and memory of a device.
#pragma once

#include <c10/core/Device.h>

namespace ccexpert::runtime {

/// Returns the peak in bytes of the GPU's tensors, or of the process if `device` is a CPU.
double peak_bytes(at::Device device);

/// Returns the memory of the GPU, or of the machine if `device` is a CPU.
double total_bytes(at::Device device);

}  // namespace ccexpert::runtime

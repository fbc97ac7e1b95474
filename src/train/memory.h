// How much memory this process uses, and a device has.
#pragma once

#include <c10/core/Device.h>

namespace ccexpert::train {

/// Most bytes so far: of the GPU's tensors, or of the process where `device` is a CPU.
double peak_bytes(at::Device device);

/// Memory of the GPU, or of the machine where `device` is a CPU.
double total_bytes(at::Device device);

}  // namespace ccexpert::train

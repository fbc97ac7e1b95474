// Device and precision by name.
#pragma once

#include <string>

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

#include <ccexpert/core/device_name.h>
#include <ccexpert/core/precision.h>

namespace ccexpert::runtime {

/// Returns the device. Throws Error for a missing GPU.
at::Device device_from_name(const DeviceName& name);

/// Returns the dtype of a precision on a device; for int8, that of everything but the weights of products.
/// kAuto is as kStandard: the caller knows what is fastest. Throws Error for int8 on a GPU.
at::ScalarType dtype_of(Precision precision, at::Device device);

/// Returns the name of the precision.
std::string dtype_name(at::ScalarType dtype);

/// Waits for all work of a GPU; does nothing for a CPU.
void synchronize(at::Device device);

}  // namespace ccexpert::runtime

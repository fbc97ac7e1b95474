#include "train/memory.h"

#include <ATen/DeviceAccelerator.h>
#include <sys/resource.h>

namespace ccexpert::train {

double peak_bytes(at::Device device) {
  if (device.is_cuda()) {
    const auto stats = at::getDeviceAllocator(device.type())->getDeviceStats(device.index());
    return static_cast<double>(stats.allocated_bytes[0].peak);
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  constexpr double kUnit = 1024.0;  // Linux counts in KiB
  return static_cast<double>(usage.ru_maxrss) * kUnit;
}

}  // namespace ccexpert::train

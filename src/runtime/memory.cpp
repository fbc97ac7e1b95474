#include "runtime/memory.h"

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <sys/resource.h>
#include <unistd.h>

namespace ccexpert::runtime {

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

double total_bytes(at::Device device) {
  if (device.is_cuda()) {
    at::globalContext().lazyInitDevice(device.type());
    return static_cast<double>(at::getDeviceAllocator(device.type())->getMemoryInfo(device.index()).second);
  }
  return static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

}  // namespace ccexpert::runtime

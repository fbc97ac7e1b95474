#include "runtime/device.h"

#include <mutex>
#include <shared_mutex>

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "runtime/recording_lock.h"

namespace ccexpert::runtime {
namespace {

int gpu_count() {
  return at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
}

}  // namespace

at::Device device_from_name(const DeviceName& name) {
  if (name.is_auto()) return gpu_count() > 0 ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  if (name.is_cpu()) return at::Device(at::kCPU);
  if (name.gpu() >= gpu_count()) {
    fail_expected({"device", "an available GPU", fmt::format("{} with {} GPUs", name.text(), gpu_count()),
                   at::hasCUDA() ? "see nvidia-smi" : "this build or this machine has no CUDA: use cpu"});
  }
  return {at::kCUDA, static_cast<at::DeviceIndex>(name.gpu())};
}

at::ScalarType dtype_of(Precision precision, at::Device device) {
  switch (precision) {
    case Precision::kBfloat16:
      return at::kBFloat16;
    case Precision::kFloat16:
      return at::kHalf;
    case Precision::kInt8:
      if (device.is_cuda())
        fail_expected({"dtype", "bfloat16, float16 or float32 on a GPU", "int8", "use the device cpu"});
      return at::kFloat;
    case Precision::kFloat32:
      return at::kFloat;
    case Precision::kStandard:
    case Precision::kAuto:
      break;
  }
  return device.is_cuda() ? at::kBFloat16 : at::kFloat;
}

std::string dtype_name(at::ScalarType dtype) {
  if (dtype == at::kBFloat16) return "bfloat16";
  return dtype == at::kHalf ? "float16" : "float32";
}

std::shared_mutex& recording_lock() {
  static std::shared_mutex lock;
  return lock;
}

void synchronize(at::Device device) {
  if (device.is_cpu()) return;
  const std::shared_lock lock(recording_lock());
  c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
}

}  // namespace ccexpert::runtime

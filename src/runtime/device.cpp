#include "runtime/device.h"

#include <charconv>
#include <optional>
#include <string_view>

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/dtype_name.h"

namespace ccexpert {
namespace {

int gpu_count() {
  return at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
}

/// Returns N for "cuda:N", 0 for "cuda". LibTorch's own parser truncates N to 8 bits, so cuda:256 would
/// become cuda:0.
std::optional<int> gpu_index(std::string_view name) {
  constexpr std::string_view kPrefix = "cuda:";
  if (name == "cuda") return 0;
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  unsigned int index = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
  const bool whole = error == std::errc() && end == name.data() + name.size() && index < 1u << 30;
  return whole ? std::optional(static_cast<int>(index)) : std::nullopt;
}

}  // namespace

bool is_known_device(const std::string& name) {
  return name == "auto" || name == "cpu" || gpu_index(name);
}

at::Device device_from_name(const std::string& name) {
  if (name == "auto") return gpu_count() > 0 ? at::Device(at::kCUDA, 0) : at::Device(at::kCPU);
  if (name == "cpu") return at::Device(at::kCPU);
  const auto index = gpu_index(name);
  if (!index) fail_expected({"device", "cpu, cuda, cuda:N or auto", name});
  if (*index >= gpu_count()) {
    fail_expected({"device", "an available GPU", fmt::format("{} with {} GPUs", name, gpu_count()),
                   at::hasCUDA() ? "see nvidia-smi" : "this build or this machine has no CUDA: use cpu"});
  }
  return {at::kCUDA, static_cast<at::DeviceIndex>(*index)};
}

at::ScalarType dtype_from_name(const std::string& name, at::Device device) {
  if (name == "auto") return device.is_cuda() ? at::kBFloat16 : at::kFloat;
  const auto full = full_dtype_name(name);
  if (full == "float32") return at::kFloat;
  if (full == "bfloat16") return at::kBFloat16;
  if (full == "float16") return at::kHalf;
  fail_expected({"dtype", "float32, bfloat16, float16 or auto", name});
}

std::string dtype_name(at::ScalarType dtype) {
  if (dtype == at::kBFloat16) return "bfloat16";
  return dtype == at::kHalf ? "float16" : "float32";
}

void synchronize(at::Device device) {
  if (!device.is_cpu()) c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
}

}  // namespace ccexpert

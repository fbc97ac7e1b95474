#include <filesystem>
#include <fstream>
#include <vector>

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/version.h>

#include <ccexpert/version.h>

namespace ccexpert::generate {
namespace {

/// Returns the driver's names of its GPUs; LibTorch's headers without CUDA give only their number.
std::vector<std::string> gpu_models() {
  constexpr std::string_view kKey = "Model:";
  std::vector<std::string> models;
  std::error_code code;
  for (const auto& gpu : std::filesystem::directory_iterator("/proc/driver/nvidia/gpus", code)) {
    std::ifstream information(gpu.path() / "information");
    for (std::string line; std::getline(information, line);) {
      if (!line.starts_with(kKey)) continue;
      const auto name = line.find_first_not_of(" \t", kKey.size());
      if (name != std::string::npos) models.push_back(line.substr(name));
    }
  }
  return models;
}

#ifdef CCEXPERT_HAS_CUDA
constexpr bool kBuiltForGpus = true;
#else
constexpr bool kBuiltForGpus = false;
#endif

std::string gpus() {
  // Without a GPU, LibTorch reports in either build that it has no CUDA.
  const auto count = at::hasCUDA() ? at::detail::getCUDAHooks().deviceCount() : 0;
  if (count == 0) return kBuiltForGpus ? "none (no GPU found; see nvidia-smi)" : "none (built for CPU)";
  const auto models = gpu_models();
  // A container may see fewer GPUs than the machine has, and no names.
  return models.empty() ? fmt::format("{}", count) : fmt::format("{} ({})", count, fmt::join(models, ", "));
}

}  // namespace

BuildInfo build_info() {
  return {.version = CCEXPERT_VERSION,
          .libtorch = TORCH_VERSION,
          .cpu = fmt::format("{}, {} threads", at::get_cpu_capability(), at::get_num_threads()),
          .gpu = gpus()};
}

}  // namespace ccexpert::generate

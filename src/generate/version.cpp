#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <fmt/format.h>
#include <torch/version.h>

#include <ccexpert/version.h>

namespace ccexpert {

BuildInfo build_info() {
  BuildInfo info{
      .version = CCEXPERT_VERSION, .libtorch = TORCH_VERSION, .cpu = {}, .gpu = "none (built for CPU)"};
  info.cpu = fmt::format("{}, {} threads", at::get_cpu_capability(), at::get_num_threads());
  if (at::hasCUDA()) info.gpu = fmt::format("{} with CUDA", at::detail::getCUDAHooks().deviceCount());
  return info;
}

}  // namespace ccexpert

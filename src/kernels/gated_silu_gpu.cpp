#include "kernels/gated_silu_gpu.h"

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include <ATen/ATen.h>

#include <ccexpert/core/log.h>

#ifdef CCEXPERT_HAS_CUDA
#include <ATen/core/grad_mode.h>
#include <ATen/cuda/jiterator.h>
#endif

namespace ccexpert::kernels {

#ifdef CCEXPERT_HAS_CUDA
namespace {

using Tensors = c10::SmallVector<at::Tensor>;

/// Returns an empty text if the kernels agree with LibTorch's operators on some values, else the reason.
std::string fault_of_kernels(const at::TensorOptions& options) {
  const double tolerance = options.dtype() == at::kFloat ? 1e-5 : 0.02;
  const auto close = [&](const at::Tensor& a, const at::Tensor& b) {
    return at::allclose(a.to(at::kFloat), b.to(at::kFloat), tolerance, tolerance);
  };
  try {
    // No random numbers: the generator's state is the caller's.
    const auto gate = at::linspace(-9.0, 9.0, 1001, options), up = at::linspace(2.0, -3.0, 1001, options);
    const auto gradient = at::linspace(1.0, 2.0, 1001, options);
    const auto gradients = gpu_gated_silu_gradients(gate, up, gradient);
    const bool same = close(gpu_gated_silu(gate, up), at::silu(gate) * up) &&
                      close(gradients.gate, at::silu_backward(gradient * up, gate)) &&
                      close(gradients.up, at::silu(gate) * gradient);
    return same ? "" : "its values differ";
  } catch (const std::exception& error) {
    return std::string(error.what()).substr(0, std::string(error.what()).find('\n'));
  }
}

}  // namespace

bool has_gpu_gated_silu(const at::Tensor& x) {
  const auto type = x.scalar_type();
  if (!x.is_cuda() || (type != at::kFloat && type != at::kBFloat16 && type != at::kHalf)) return false;
  static std::mutex mutex;
  static std::map<std::pair<int, at::ScalarType>, bool> known;
  const std::lock_guard lock(mutex);
  const auto [place, added] = known.try_emplace({x.get_device(), type}, false);
  if (!added) return place->second;
  const at::NoGradGuard no_grad;
  const auto fault = fault_of_kernels(x.options().requires_grad(false));
  place->second = fault.empty();
  if (!fault.empty()) log::warning("the fused kernel of the MLP is not used on this GPU: " + fault);
  return place->second;
}

at::Tensor gpu_gated_silu(const at::Tensor& gate, const at::Tensor& up) {
  return at::cuda::CompileAndLaunchKernel(kGatedSiluText, "gated_silu_value", 1, Tensors{gate, up}, {},
                                          /*return_by_ref=*/false)[0];
}

GatedGradients gpu_gated_silu_gradients(const at::Tensor& gate, const at::Tensor& up,
                                        const at::Tensor& gradient) {
  auto result = at::cuda::CompileAndLaunchKernel(kGatedSiluGradientsText, "gated_silu_gradients", 2,
                                                 Tensors{gate, up, gradient}, {}, /*return_by_ref=*/true);
  return {.gate = std::move(result[0]), .up = std::move(result[1])};
}
#else
bool has_gpu_gated_silu(const at::Tensor& /*x*/) {
  return false;
}

// Never called: there are no such kernels in a build for CPUs.
at::Tensor gpu_gated_silu(const at::Tensor& gate, const at::Tensor& up) {
  return at::silu(gate) * up;
}

GatedGradients gpu_gated_silu_gradients(const at::Tensor& gate, const at::Tensor& up,
                                        const at::Tensor& gradient) {
  return {.gate = at::silu_backward(gradient * up, gate), .up = at::silu(gate) * gradient};
}
#endif

}  // namespace ccexpert::kernels

// Kernels of gated_silu for GPUs, which LibTorch compiles at run time.
#pragma once

#include <cmath>

#include <ATen/core/Tensor.h>

namespace ccexpert::kernels {

struct GatedGradients {
  at::Tensor gate, up;
};

/// True on a GPU if the kernels for x's dtype compile there and give what LibTorch's operators do. The first
/// call for a device and a dtype tries it; if it fails, a warning says so.
bool has_gpu_gated_silu(const at::Tensor& x);

at::Tensor gpu_gated_silu(const at::Tensor& gate, const at::Tensor& up);
GatedGradients gpu_gated_silu_gradients(const at::Tensor& gate, const at::Tensor& up,
                                        const at::Tensor& gradient);

// A function as C++, so that a CPU can test it, and as text for the GPU's compiler.
#define CCEXPERT_KERNEL(text, ...) \
  __VA_ARGS__                      \
  inline constexpr const char* text = #__VA_ARGS__;

CCEXPERT_KERNEL(
    kGatedSiluText, template <typename T> T gated_silu_value(T gate, T up) {
      const float x = static_cast<float>(gate);
      return static_cast<T>(x / (1.0F + expf(-x)) * static_cast<float>(up));
    })

CCEXPERT_KERNEL(
    kGatedSiluGradientsText,
    template <typename T> void gated_silu_gradients(T gate, T up, T gradient, T& of_gate, T& of_up) {
      const float x = static_cast<float>(gate);
      const float back = static_cast<float>(gradient);
      const float share = 1.0F / (1.0F + expf(-x));
      of_gate = static_cast<T>(back * static_cast<float>(up) * share * (1.0F + x * (1.0F - share)));
      of_up = static_cast<T>(back * x * share);
    })

#undef CCEXPERT_KERNEL

}  // namespace ccexpert::kernels

#include "kernels/gated_silu.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "kernels/gated_silu_gpu.h"

namespace ccexpert::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor product(const at::Tensor& gate, const at::Tensor& up) {
  if (has_gpu_gated_silu(gate)) return gpu_gated_silu(gate, up);
  return at::silu(gate).mul_(up);
}

/// The operators, and so the bits, are those of LibTorch's gradients of at::silu(gate) * up.
GatedGradients gradients_of(const at::Tensor& gate, const at::Tensor& up, const at::Tensor& gradient) {
  if (has_gpu_gated_silu(gate)) return gpu_gated_silu_gradients(gate, up, gradient);
  return {.gate = at::silu_backward(gradient * up, gate), .up = at::silu(gate).mul_(gradient)};
}

struct GatedSilu : torch::autograd::Function<GatedSilu> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate, const at::Tensor& up) {
    context->save_for_backward({gate, up});
    return product(gate, up);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    auto result = gradients_of(saved[0], saved[1], gradients[0]);
    return {std::move(result.gate), std::move(result.up)};
  }
};

}  // namespace

at::Tensor gated_silu(const at::Tensor& gate, const at::Tensor& up) {
  const bool trains = at::GradMode::is_enabled() && (gate.requires_grad() || up.requires_grad());
  return trains ? GatedSilu::apply(gate, up) : product(gate, up);
}

}  // namespace ccexpert::kernels

#include "kernels/onednn_product.h"

#include <optional>
#include <string_view>

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/autograd/custom_function.h>

namespace ccexpert::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// LibTorch's linear layer with an activation, by oneDNN for plain tensors of any strides.
using PointwiseLinear = at::Tensor(const at::Tensor& x, const at::Tensor& matrix,
                                   const std::optional<at::Tensor>& bias, std::string_view activation,
                                   c10::List<std::optional<at::Scalar>> scalars,
                                   std::optional<std::string_view> algorithm);

struct OnednnLinear : torch::autograd::Function<OnednnLinear> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& matrix,
                            const std::optional<at::Tensor>& bias) {
    // Without a gradient of the matrix, as for adapters, x need not stay in memory.
    context->save_for_backward({matrix.requires_grad() ? x : at::Tensor(), matrix});
    context->saved_data["bias"] = bias.has_value();
    return onednn_product(x, matrix, bias.value_or(at::Tensor()));
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto& x = saved[0];
    const auto& matrix = saved[1];
    const auto& result = gradients[0];
    variable_list found(3);
    if (context->needs_input_grad(0)) found[0] = onednn_product(result, matrix.t());
    if (context->needs_input_grad(1)) {
      // oneDNN has no sums of nothing.
      found[1] = result.size(0) == 0 ? at::zeros_like(matrix) : onednn_product(result.t(), x.t());
    }
    if (context->saved_data["bias"].toBool() && context->needs_input_grad(2)) found[2] = result.sum(0);
    return found;
  }
};

}  // namespace

bool multiplies_by_onednn() {
#if defined(__x86_64__)
  static const bool faster = at::hasMKL() && at::hasMKLDNN() && __builtin_cpu_is("amd");
  return faster;
#else
  return false;
#endif
}

at::Tensor onednn_product(const at::Tensor& x, const at::Tensor& matrix, const at::Tensor& bias) {
  static const auto linear = c10::Dispatcher::singleton()
                                 .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
                                 .typed<PointwiseLinear>();
  const at::AutoDispatchBelowADInplaceOrView below_autograd;
  return linear.call(x, matrix, bias.defined() ? std::optional(bias) : std::nullopt, "none",
                     c10::List<std::optional<at::Scalar>>(), "");
}

at::Tensor onednn_linear(const at::Tensor& x, const at::Tensor& matrix, const at::Tensor& bias) {
  auto shape = x.sizes().vec();
  shape.back() = matrix.size(0);
  const auto rows = x.reshape({-1, x.size(-1)});
  if (!at::GradMode::is_enabled()) return onednn_product(rows, matrix, bias).view(shape);
  return OnednnLinear::apply(rows, matrix, bias.defined() ? std::optional(bias) : std::nullopt).view(shape);
}

}  // namespace ccexpert::kernels

#include "kernels/joint_products.h"

#include <algorithm>
#include <optional>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace ccexpert::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor rows_of(const at::Tensor& x) {
  return x.reshape({-1, x.size(-1)});
}

std::optional<at::Tensor> given(const at::Tensor& tensor) {
  return tensor.defined() ? std::optional(tensor) : std::nullopt;
}

struct JointProducts : torch::autograd::Function<JointProducts> {
  /// `biases` has those that are defined; `place_of_bias` has for each matrix the place of its bias, or -1.
  static variable_list forward(AutogradContext* context, const at::Tensor& x, at::TensorList matrices,
                               at::TensorList biases, const std::vector<int64_t>& place_of_bias) {
    const bool trained = std::any_of(matrices.begin(), matrices.end(),
                                     [](const at::Tensor& matrix) { return matrix.requires_grad(); });
    // Without a gradient of a matrix, x need not stay in memory.
    variable_list saved{trained ? x : at::Tensor()};
    saved.insert(saved.end(), matrices.begin(), matrices.end());
    context->save_for_backward(saved);
    context->saved_data["place_of_bias"] = place_of_bias;
    context->saved_data["shape"] = x.sizes().vec();
    context->saved_data["biases"] = static_cast<int64_t>(biases.size());
    variable_list results;
    for (size_t i = 0; i < matrices.size(); ++i) {
      const int64_t place = place_of_bias[i];
      results.push_back(
          at::linear(x, matrices[i], place < 0 ? std::nullopt : given(biases[static_cast<size_t>(place)])));
    }
    return results;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto places = context->saved_data["place_of_bias"].toIntVector();
    const auto matrices = gradients.size();
    const auto biases = static_cast<size_t>(context->saved_data["biases"].toInt());
    // Of x, the matrices, the biases, and nothing for the places.
    variable_list found(1 + matrices + biases + 1);
    const auto rows = saved[0].defined() ? rows_of(saved[0]) : at::Tensor();
    for (size_t i = 0; i < matrices; ++i) {
      const auto result = rows_of(gradients[i]);
      if (context->needs_input_grad(0)) add_product(found[0], result, saved[1 + i]);
      if (context->needs_input_grad(1 + i)) found[1 + i] = at::mm(result.t(), rows);
      if (places[i] < 0) continue;
      const auto bias = 1 + matrices + static_cast<size_t>(places[i]);
      if (context->needs_input_grad(bias)) found[bias] = result.sum(0);
    }
    if (found[0].defined()) found[0] = found[0].view(context->saved_data["shape"].toIntVector());
    return found;
  }

  static void add_product(at::Tensor& sum, const at::Tensor& result, const at::Tensor& matrix) {
    if (sum.defined()) {
      sum.addmm_(result, matrix);
    } else {
      sum = at::mm(result, matrix);
    }
  }
};

}  // namespace

bool joins_products(const at::Tensor& x) {
  return x.is_cuda() && at::GradMode::is_enabled() && x.requires_grad();
}

std::vector<at::Tensor> joint_products(const at::Tensor& x, const std::vector<Factor>& factors) {
  variable_list matrices, biases;
  std::vector<int64_t> place_of_bias;
  for (const auto& factor : factors) {
    matrices.push_back(factor.matrix);
    place_of_bias.push_back(factor.bias.defined() ? std::ssize(biases) : -1);
    if (factor.bias.defined()) biases.push_back(factor.bias);
  }
  // Only as lists of this type are their elements inputs of the node.
  return JointProducts::apply(x, at::TensorList(matrices), at::TensorList(biases), place_of_bias);
}

}  // namespace ccexpert::kernels

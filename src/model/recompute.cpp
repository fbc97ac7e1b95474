#include "model/shared/recompute.h"

#include <algorithm>

#include <ATen/ATen.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "model/shared/lora.h"

namespace ccexpert::model {
namespace {

using torch::autograd::AutogradContext;
using Computation = std::function<TensorList(const TensorList&)>;

/// Carries the block through the autograd graph, which stores only LibTorch's own types.
struct BlockHolder : torch::CustomClassHolder {
  explicit BlockHolder(Computation held) : block(std::move(held)) {}
  Computation block;
};

struct Recompute : torch::autograd::Function<Recompute> {
  /// `anchor` needs gradients, so that the graph is recorded even if only the block's parameters need them.
  /// Autograd counts each tensor of an `at::TensorList` as an input, but not those of a std::vector.
  static TensorList forward(AutogradContext* context, const at::Tensor& /*anchor*/, at::TensorList inputs,
                            const c10::intrusive_ptr<BlockHolder>& holder) {
    const at::NoGradGuard no_grad;
    context->saved_data["block"] = c10::IValue::make_capsule(holder);
    context->save_for_backward(inputs.vec());
    return holder->block(inputs.vec());
  }

  static TensorList backward(AutogradContext* context, const TensorList& gradients) {
    const auto holder =
        c10::static_intrusive_pointer_cast<BlockHolder>(context->saved_data["block"].toCapsule());
    TensorList inputs;
    for (const auto& saved : context->get_saved_variables()) {
      inputs.push_back(saved.detach().requires_grad_(saved.requires_grad()));
    }
    TensorList outputs;
    {
      const at::AutoGradMode with_grad(true);
      outputs = holder->block(inputs);
    }
    TensorList roots, root_gradients;
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!outputs[i].requires_grad() || !gradients[i].defined()) continue;
      roots.push_back(outputs[i]);
      root_gradients.push_back(gradients[i]);
    }
    if (!roots.empty()) torch::autograd::backward(roots, root_gradients);
    TensorList result{at::Tensor()};
    for (const auto& input : inputs) result.push_back(input.grad());
    result.emplace_back();
    return result;
  }
};

bool needs_gradients(const TensorList& tensors) {
  return std::any_of(tensors.begin(), tensors.end(),
                     [](const at::Tensor& tensor) { return tensor.requires_grad(); });
}

TensorList apply(const Computation& block, const TensorList& inputs) {
  const auto anchor = at::empty({0}, inputs.front().options().dtype(at::kFloat)).requires_grad_();
  return Recompute::apply(anchor, at::TensorList(inputs), c10::make_intrusive<BlockHolder>(block));
}

}  // namespace

bool products_need_gradients(const torch::nn::Module& module) {
  const auto modules = module.modules(/*include_self=*/false);
  return std::any_of(modules.begin(), modules.end(), [](const auto& child) {
    const auto* linear = dynamic_cast<const Linear*>(child.get());
    const auto* product =
        linear == nullptr ? nullptr : dynamic_cast<const LoraProduct*>(linear->product().get());
    return product != nullptr && needs_gradients({product->a, product->b});
  });
}

TensorList recompute(const Computation& block, const TensorList& inputs) {
  return at::GradMode::is_enabled() && needs_gradients(inputs) ? apply(block, inputs) : block(inputs);
}

TensorList recompute(const Computation& block, const TensorList& inputs,
                     const torch::nn::Module& parameters) {
  const bool needed = needs_gradients(inputs) || needs_gradients(parameters.parameters()) ||
                      products_need_gradients(parameters);
  return at::GradMode::is_enabled() && needed ? apply(block, inputs) : block(inputs);
}

}  // namespace ccexpert::model

#include <algorithm>

#include <ATen/ATen.h>

#include <ccexpert/core/error.h>
#include <ccexpert/model/layers.h>

#include "kernels/gated_silu.h"
#include "kernels/joint_products.h"
#include "kernels/linear.h"

namespace ccexpert::model {
namespace {

/// Returns the results of products from outside that compute all steps at once; empty if there are none.
std::vector<at::Tensor> steps_at_once(const ProductSteps& steps, const std::vector<const Linear*>& linears) {
  std::vector<const Product*> products;
  for (const auto* linear : linears) {
    if (!linear->product()) return {};
    products.push_back(linear->product().get());
  }
  return products.front()->apply_steps(steps, products);
}

/// Applies each of `linears` to x.
std::vector<at::Tensor> products_of(const at::Tensor& x, const std::vector<const Linear*>& linears) {
  const auto has_own = [](const Linear* linear) { return linear->product() == nullptr; };
  if (linears.size() > 1 && kernels::joins_products(x) && std::ranges::all_of(linears, has_own)) {
    std::vector<kernels::Factor> factors;
    for (const auto* linear : linears) factors.push_back({linear->matrix(), linear->bias});
    return kernels::joint_products(x, factors);
  }
  std::vector<at::Tensor> results;
  for (const auto* linear : linears) results.push_back(linear->forward(x));
  return results;
}

}  // namespace

at::Tensor activate(Activation activation, const at::Tensor& x) {
  constexpr double kQuickSlope = 1.702;
  switch (activation) {
    case Activation::kGeluTanh:
      return at::gelu(x, "tanh");
    case Activation::kGelu:
      return at::gelu(x);
    case Activation::kQuickGelu:
      return x * at::sigmoid(kQuickSlope * x);
    case Activation::kSilu:
      return at::silu(x);
    case Activation::kRelu:
      return at::relu(x);
  }
  fail("activation", "is not one of the enum", "", ErrorKind::kInternal);
}

Linear::Linear(int64_t in, int64_t out, bool with_bias, const at::TensorOptions& options) {
  weight = register_parameter("weight", at::empty({out, in}, options));
  if (with_bias) bias = register_parameter("bias", at::empty({out}, options));
}

Linear::Linear(at::IntArrayRef shape, const at::TensorOptions& options, bool with_bias) {
  weight = register_parameter("weight", at::empty(shape, options));
  if (with_bias) bias = register_parameter("bias", at::empty({shape[0]}, options));
}

Linear::Linear(at::Tensor shared) : weight(std::move(shared)) {}

at::Tensor Linear::forward(const at::Tensor& x, const at::Tensor& matrix) const {
  if (product_) return product_->apply(x);
  return kernels::linear_product(x, matrix, bias);
}

void Linear::set_product(std::shared_ptr<const Product> product, WeightContract reads) {
  product_ = std::move(product);
  product_weights_ = std::move(reads);
}

void for_each_linear(torch::nn::Module& module,
                     const std::function<void(const std::string& name, Linear& linear)>& visit) {
  if (auto* linear = dynamic_cast<Linear*>(&module)) visit("", *linear);
  for (const auto& item : module.named_modules("", /*include_self=*/false)) {
    if (auto* linear = dynamic_cast<Linear*>(item.value().get())) visit(item.key(), *linear);
  }
}

Norm::Norm(int64_t width, double eps, const at::TensorOptions& options) : eps_(eps) {
  weight = register_parameter("weight", at::empty({width}, options));
}

LayerNorm::LayerNorm(int64_t width, double eps, const at::TensorOptions& options)
    : Norm(width, eps, options) {
  bias = register_parameter("bias", at::empty({width}, options));
}

at::Tensor LayerNorm::forward(const at::Tensor& x) const {
  return at::layer_norm(x, weight.sizes(), weight, bias, eps());
}

at::Tensor RmsNorm::forward(const at::Tensor& x) const {
  return at::rms_norm(x, weight.sizes(), weight, eps());
}

std::vector<at::Tensor> apply_steps(const ProductSteps& steps, const std::vector<const Linear*>& linears) {
  if (auto results = steps_at_once(steps, linears); !results.empty()) return results;
  const auto input = steps.norm != nullptr ? steps.norm->forward(steps.x) : steps.x;
  auto results = products_of(input, linears);
  const auto activated = [&](const at::Tensor& y) {
    return steps.activation ? activate(*steps.activation, y) : y;
  };
  if (steps.gated && steps.activation == Activation::kSilu) {
    results = {kernels::gated_silu(results[0], results[1])};
  } else if (steps.gated) {
    results = {activated(results[0]) * results[1]};
  } else {
    for (auto& result : results) result = activated(result);
  }
  if (steps.residual.defined()) {
    for (auto& result : results) result = steps.residual + result;
  }
  return results;
}

at::Tensor apply_steps(const ProductSteps& steps, const Linear& linear) {
  return apply_steps(steps, std::vector{&linear})[0];
}

at::Tensor apply_gated(ProductSteps steps, const Linear& gate, const Linear& up) {
  steps.gated = true;
  return apply_steps(steps, {&gate, &up})[0];
}

Embedding::Embedding(int64_t rows, int64_t width, const at::TensorOptions& options) {
  weight = register_parameter("weight", at::empty({rows, width}, options));
}

void Embedding::set_product(std::shared_ptr<const Product> product, WeightContract reads) {
  product_ = std::move(product);
  product_weights_ = std::move(reads);
}

at::Tensor Embedding::forward(const at::Tensor& ids) const {
  if (product_) return product_->apply(ids);
  return at::embedding(weight, ids);
}

}  // namespace ccexpert::model

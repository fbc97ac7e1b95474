#include <ATen/ATen.h>

#include <ccexpert/model/layers.h>

namespace ccexpert {

Linear::Linear(int64_t in, int64_t out, bool with_bias, const at::TensorOptions& options) {
  weight = register_parameter("weight", at::empty({out, in}, options));
  if (with_bias) bias = register_parameter("bias", at::empty({out}, options));
}

at::Tensor Linear::forward(const at::Tensor& x) const {
  return at::linear(x, weight, bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt);
}

LayerNorm::LayerNorm(int64_t width, double eps, const at::TensorOptions& options) : eps_(eps) {
  weight = register_parameter("weight", at::empty({width}, options));
  bias = register_parameter("bias", at::empty({width}, options));
}

at::Tensor LayerNorm::forward(const at::Tensor& x) const {
  return at::layer_norm(x, weight.sizes(), weight, bias, eps_);
}

RmsNorm::RmsNorm(int64_t width, double eps, const at::TensorOptions& options) : eps_(eps) {
  weight = register_parameter("weight", at::empty({width}, options));
}

at::Tensor RmsNorm::forward(const at::Tensor& x) const {
  return at::rms_norm(x, weight.sizes(), weight, eps_);
}

Embedding::Embedding(int64_t rows, int64_t width, const at::TensorOptions& options) {
  weight = register_parameter("weight", at::empty({rows, width}, options));
}

at::Tensor Embedding::forward(const at::Tensor& ids) const {
  return at::embedding(weight, ids);
}

}  // namespace ccexpert

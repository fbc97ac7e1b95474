#include "kernels/rotary.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace ccexpert::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Works in place: with plain tensor operations half of the time goes into negated, joined and multiplied
/// copies.
at::Tensor turned(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine, double direction) {
  auto result = at::empty_like(x);  // in the layout of x
  const auto from = x.chunk(2, -1), to = result.chunk(2, -1);
  auto first = to[0], second = to[1];
  at::mul_out(first, from[0], cosine).addcmul_(from[1], sine, -direction);
  at::mul_out(second, from[1], cosine).addcmul_(from[0], sine, direction);
  return result;
}

/// Autograd function of the rotation; its gradient is the inverse rotation.
struct Rotation : torch::autograd::Function<Rotation> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& cosine,
                            const at::Tensor& sine) {
    context->save_for_backward({cosine, sine});
    return turned(x, cosine, sine, 1.0);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    return {turned(gradients[0], saved[0], saved[1], -1.0), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

RotaryFactors rotary_factors(const at::Tensor& positions, const RotaryShape& shape, at::ScalarType dtype) {
  const auto exponent =
      at::arange(0, shape.width, 2, positions.options().dtype(at::kFloat)) / static_cast<double>(shape.width);
  const auto frequency = at::pow(shape.base, exponent).reciprocal();                     // [d/2]
  const auto angle = (positions.to(at::kFloat).unsqueeze(-1) * frequency).unsqueeze(1);  // [B,1,T,d/2]
  return {angle.cos().to(dtype), angle.sin().to(dtype)};
}

at::Tensor rotate(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine) {
  return Rotation::apply(x, cosine, sine);
}

}  // namespace ccexpert::kernels

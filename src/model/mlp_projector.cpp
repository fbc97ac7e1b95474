#include "model/mlp_projector.h"

#include <ATen/ATen.h>

#include "model/layer_cost.h"

namespace ccexpert::model {

MlpProjector::MlpProjector(int64_t in, int64_t out, const at::TensorOptions& options) {
  first_ = register_module("0", std::make_shared<Linear>(in, out, true, options));
  second_ = register_module("2", std::make_shared<Linear>(out, out, true, options));
}

at::Tensor MlpProjector::forward(const at::Tensor& x) const {
  return second_->forward(apply_steps({.x = x, .activation = Activation::kGelu}, *first_));
}

PartCost MlpProjector::cost(int64_t in, int64_t out, int64_t features) {
  const double width = number(out);
  return {.part = Part::kProjector, .multiply_adds = number(features) * (number(in) * width + width * width)};
}

}  // namespace ccexpert::model

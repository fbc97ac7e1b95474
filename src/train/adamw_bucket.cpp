#include "train/adamw_bucket.h"

#include <ATen/ATen.h>

#include "train/flat_weights.h"

namespace ccexpert::train {

bool ShardedAdamW::Bucket::fits(const TrainableParameter& parameter, int64_t limit) const {
  const auto& first = parameters.front();
  return first.lr_factor == parameter.lr_factor && first.weight_decay == parameter.weight_decay &&
         first.tensor.scalar_type() == parameter.tensor.scalar_type() &&
         round_up(elements, kFlatAlignment) + parameter.tensor.numel() <= limit;
}

void ShardedAdamW::Bucket::append(TrainableParameter parameter) {
  place(parameter.tensor.numel());
  parameters.push_back(std::move(parameter));
}

void ShardedAdamW::Bucket::allocate(int64_t rank, int64_t ranks) {
  const at::NoGradGuard no_grad;
  divide(rank, ranks);
  flat = at::zeros({padded}, parameters.front().tensor.options().requires_grad(false));
  for (size_t p = 0; p < parameters.size(); ++p) {
    auto& tensor = parameters[p].tensor;
    auto view = part(flat, p).view(tensor.sizes());
    view.copy_(tensor);
    tensor.set_data(view);
  }
  held = flat.slice(0, shard_begin, shard_begin + shard_size);
  allocate_state();
}

void ShardedAdamW::Bucket::adopt(const FlatWeights& source) {
  static_cast<FlatLayout&>(*this) = static_cast<const FlatLayout&>(source);
  parameters = source.parameters();
  held = source.shard();
  allocate_state();
}

void ShardedAdamW::Bucket::allocate_state() {
  weights = has_master() ? held.to(at::kFloat) : held;
  mean = at::zeros_like(weights);
  square = at::zeros_like(weights);
  step = at::zeros({}, weights.options());
  has_arrived.assign(parameters.size(), false);
}

void ShardedAdamW::Bucket::begin_backward() {
  arrived = 0;
  sent = false;
  has_arrived.assign(parameters.size(), false);
}

void ShardedAdamW::Bucket::begin_gradient() {
  if (gradient.defined()) return;
  gradient = at::empty({padded}, weights.options());
  in_gradient.assign(parameters.size(), false);
}

void ShardedAdamW::Bucket::accumulate(size_t parameter, const at::Tensor& own) {
  begin_gradient();
  if (in_gradient[parameter]) {
    part(gradient, parameter).add_(own);
  } else {
    part(gradient, parameter).copy_(own);
  }
  in_gradient[parameter] = true;
}

void ShardedAdamW::Bucket::complete_gradient() {
  begin_gradient();
  zero_all_but(in_gradient, gradient);
  in_gradient.assign(parameters.size(), true);
}

void ShardedAdamW::Bucket::begin_outgoing() {
  if (!outgoing.defined()) outgoing = at::empty({padded}, held.options());
}

void ShardedAdamW::Bucket::complete_outgoing() {
  begin_outgoing();
  zero_all_but(has_arrived, outgoing);
}

at::Tensor ShardedAdamW::Bucket::part(const at::Tensor& tensor, size_t parameter) const {
  return tensor.slice(0, offsets[parameter], offsets[parameter] + parameters[parameter].tensor.numel());
}

at::Tensor ShardedAdamW::Bucket::gradient_shard() const {
  return gradient.size(0) == shard_size ? gradient : gradient.slice(0, shard_begin, shard_begin + shard_size);
}

void ShardedAdamW::Bucket::zero_all_but(const std::vector<bool>& written, const at::Tensor& tensor) const {
  int64_t from = 0;
  for (size_t p = 0; p < written.size(); ++p) {
    if (!written[p]) continue;
    if (from < offsets[p]) tensor.slice(0, from, offsets[p]).zero_();
    from = offsets[p] + parameters[p].tensor.numel();
  }
  if (from < padded) tensor.slice(0, from, padded).zero_();
}

}  // namespace ccexpert::train

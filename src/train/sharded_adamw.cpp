#include "train/sharded_adamw.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>
#include <ATen/ops/_fused_adamw.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <ccexpert/core/error.h>

namespace ccexpert::train {
namespace {

/// Parameters and shards start at multiples of this many elements, so that collectives and kernels see
/// aligned memory: at an odd offset, matrix products on a GPU use a kernel that is several times slower.
constexpr int64_t kAlignment = 64;
/// Largest number of buckets with a running collective; each needs one more gradient buffer.
constexpr size_t kInFlight = 2;

int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

/// Returns the float64 sum of squares of a flat float32 tensor. Rows are summed in float32, which costs a
/// relative error of about 1e-7; summing in float64 would first copy the whole tensor to float64.
at::Tensor sum_of_squares(const at::Tensor& flat) {
  constexpr int64_t kRow = 4096;
  const auto squares = [](const at::Tensor& rows) {
    return at::linalg_vector_norm(rows, 2, at::IntArrayRef{1}).to(at::kDouble).square().sum();
  };
  const int64_t whole = flat.size(0) / kRow * kRow;
  return squares(flat.narrow(0, 0, whole).view({-1, kRow})) +
         squares(flat.narrow(0, whole, flat.size(0) - whole).unsqueeze(0));
}

}  // namespace

struct ShardedAdamW::Bucket {
  std::vector<TrainableParameter> parameters;
  std::vector<int64_t> offsets;  // of each parameter in the flat tensors
  int64_t elements = 0;          // gaps between parameters included
  int64_t padded = 0;
  int64_t shard_begin = 0;
  int64_t shard_size = 0;

  at::Tensor flat;                // [padded] parameters in their own dtype
  at::Tensor weights;             // [shard] float32 master weights; a view of `flat` if that is float32
  at::Tensor mean;                // [shard]
  at::Tensor square;              // [shard]
  at::Tensor step;                // scalar float32, for the fused kernel
  at::Tensor gradient;            // float32, accumulated: [shard] if gradients are sharded, else [padded]
  std::vector<bool> in_gradient;  // by parameter, if `gradient` is [padded]

  at::Tensor outgoing;  // [padded] gradients of the running backward pass, if they will be sharded
  at::Tensor arriving;  // [shard] output of a reduce-scatter
  distributed::Pending pending;
  std::vector<bool> has_arrived;  // by parameter, in the running backward pass
  size_t arrived = 0;

  /// True if `weights` are a copy beside `flat`.
  bool has_master() const { return flat.scalar_type() != at::kFloat; }
  at::Tensor part(const at::Tensor& tensor, size_t parameter) const {
    return tensor.slice(0, offsets[parameter], offsets[parameter] + parameters[parameter].tensor.numel());
  }
  void begin_gradient() {
    if (gradient.defined()) return;
    gradient = at::empty({padded}, weights.options());
    in_gradient.assign(parameters.size(), false);
  }
  /// Writes the first gradient of a parameter instead of adding it to zeros, which would cost two more passes
  /// over memory.
  void accumulate(size_t parameter, const at::Tensor& own) {
    begin_gradient();
    if (in_gradient[parameter]) {
      part(gradient, parameter).add_(own);
    } else {
      part(gradient, parameter).copy_(own);
    }
    in_gradient[parameter] = true;
  }
  /// Sets elements that no backward pass has written to zero.
  void complete_gradient() {
    begin_gradient();
    zero_all_but(in_gradient, gradient);
    in_gradient.assign(parameters.size(), true);
  }
  void begin_outgoing() {
    if (!outgoing.defined()) outgoing = at::empty_like(flat);
  }
  void complete_outgoing() {
    begin_outgoing();
    zero_all_but(has_arrived, outgoing);
  }
  /// Sets all elements of `tensor` [padded] to zero except the `written` parameters.
  void zero_all_but(const std::vector<bool>& written, const at::Tensor& tensor) const {
    int64_t from = 0;
    for (size_t p = 0; p < written.size(); ++p) {
      if (!written[p]) continue;
      if (from < offsets[p]) tensor.slice(0, from, offsets[p]).zero_();
      from = offsets[p] + parameters[p].tensor.numel();
    }
    if (from < padded) tensor.slice(0, from, padded).zero_();
  }
  at::Tensor flat_shard() const { return flat.slice(0, shard_begin, shard_begin + shard_size); }
  at::Tensor gradient_shard() const {
    return gradient.size(0) == shard_size ? gradient
                                          : gradient.slice(0, shard_begin, shard_begin + shard_size);
  }
};

/// Called by autograd when a parameter's gradient of this backward pass is complete.
class ShardedAdamW::Arrival : public torch::autograd::PostAccumulateGradHook {
 public:
  Arrival(ShardedAdamW* optimizer, size_t bucket, size_t parameter)
      : optimizer_(optimizer), bucket_(bucket), parameter_(parameter) {}
  void operator()(const at::Tensor& /*parameter*/) override {
    optimizer_->gradient_arrived(bucket_, parameter_);
  }

 private:
  ShardedAdamW* optimizer_;
  size_t bucket_;
  size_t parameter_;
};

ShardedAdamW::ShardedAdamW(std::vector<TrainableParameter> parameters, const AdamWOptions& options,
                           distributed::Communicator& communicator)
    : options_(options), communicator_(communicator) {
  if (options.zero < 0 || options.zero > 2)
    fail_expected({"zero", "0, 1 or 2", std::to_string(options.zero)});
  // Gradients become complete from the last layer to the first.
  std::reverse(parameters.begin(), parameters.end());
  for (auto& parameter : parameters) {
    const auto fits = [&](const Bucket& bucket) {
      const auto& first = bucket.parameters.front();
      return first.lr_factor == parameter.lr_factor && first.weight_decay == parameter.weight_decay &&
             first.tensor.scalar_type() == parameter.tensor.scalar_type() &&
             round_up(bucket.elements, kAlignment) + parameter.tensor.numel() <= options.bucket_elements;
    };
    if (buckets_.empty() || !fits(*buckets_.back())) buckets_.push_back(std::make_unique<Bucket>());
    auto& bucket = *buckets_.back();
    bucket.offsets.push_back(round_up(bucket.elements, kAlignment));
    bucket.elements = bucket.offsets.back() + parameter.tensor.numel();
    bucket.parameters.push_back(std::move(parameter));
  }
  for (size_t i = 0; i < buckets_.size(); ++i) {
    auto& bucket = *buckets_[i];
    const at::NoGradGuard no_grad;
    const int64_t ranks = sharded_state() ? communicator_.size() : 1;
    bucket.padded = round_up(bucket.elements, kAlignment * ranks);
    bucket.shard_size = bucket.padded / ranks;
    bucket.shard_begin = sharded_state() ? communicator_.rank() * bucket.shard_size : 0;
    bucket.flat = at::zeros({bucket.padded}, bucket.parameters.front().tensor.options().requires_grad(false));
    for (size_t p = 0; p < bucket.parameters.size(); ++p) {
      auto& tensor = bucket.parameters[p].tensor;
      auto view = bucket.part(bucket.flat, p).view(tensor.sizes());
      view.copy_(tensor);
      tensor.set_data(view);
      torch::autograd::impl::set_post_acc_grad_hooks(tensor, std::make_unique<Arrival>(this, i, p));
    }
    const auto shard = bucket.flat_shard();
    bucket.weights = shard.scalar_type() == at::kFloat ? shard : shard.to(at::kFloat);
    bucket.mean = at::zeros_like(bucket.weights);
    bucket.square = at::zeros_like(bucket.weights);
    bucket.step = at::zeros({}, bucket.weights.options());
    bucket.has_arrived.assign(bucket.parameters.size(), false);
  }
}

ShardedAdamW::~ShardedAdamW() {
  for (auto& bucket : buckets_) {
    for (auto& parameter : bucket->parameters) {
      torch::autograd::impl::set_post_acc_grad_hooks(parameter.tensor, nullptr);
    }
  }
}

void ShardedAdamW::begin_backward(bool last) {
  last_ = last;
  next_to_dispatch_ = 0;
  for (auto& bucket : buckets_) {
    bucket->arrived = 0;
    bucket->has_arrived.assign(bucket->parameters.size(), false);
  }
}

void ShardedAdamW::gradient_arrived(size_t index, size_t parameter) {
  const at::NoGradGuard no_grad;
  auto& bucket = *buckets_[index];
  auto& tensor = bucket.parameters[parameter].tensor;
  // Autograd sums a parameter's gradients from several places, but not across the border of a recomputed
  // block.
  if (bucket.has_arrived[parameter])
    fail(bucket.parameters[parameter].name, "its gradient came twice in one backward pass");
  bucket.has_arrived[parameter] = true;
  if (sharded_gradients()) {
    bucket.begin_outgoing();
    bucket.part(bucket.outgoing, parameter).copy_(tensor.grad().flatten());
  } else {
    bucket.accumulate(parameter, tensor.grad().flatten());
  }
  tensor.mutable_grad() = at::Tensor();
  ++bucket.arrived;
  dispatch_ready();
}

void ShardedAdamW::dispatch_ready() {
  while (next_to_dispatch_ < buckets_.size()) {
    auto& bucket = *buckets_[next_to_dispatch_];
    if (bucket.arrived < bucket.parameters.size()) return;
    dispatch(bucket);
  }
}

/// Adds a complete bucket to the accumulated gradient and starts its collective, if any.
void ShardedAdamW::dispatch(Bucket& bucket) {
  const size_t index = next_to_dispatch_++;
  if (sharded_gradients()) {
    bucket.complete_outgoing();
    bucket.arriving = at::empty({bucket.shard_size}, bucket.outgoing.options());
    bucket.pending = communicator_.reduce_scatter_sum_async(bucket.outgoing, bucket.arriving);
    in_flight_.push_back(index);
  } else {
    const bool travels = last_ && communicator_.size() > 1;
    if (travels || bucket.gradient.defined()) bucket.complete_gradient();
    if (!travels) return;
    if (sharded_state()) {
      bucket.arriving = at::empty({bucket.shard_size}, bucket.gradient.options());
      bucket.pending = communicator_.reduce_scatter_sum_async(bucket.gradient, bucket.arriving);
    } else {
      bucket.pending = communicator_.all_reduce_sum_async(bucket.gradient);
    }
    in_flight_.push_back(index);
  }
  finish_pending(kInFlight);
}

/// Waits until at most `keep` collectives run, and accumulates the results of the others.
void ShardedAdamW::finish_pending(size_t keep) {
  while (in_flight_.size() > keep) {
    auto& bucket = *buckets_[in_flight_.front()];
    in_flight_.pop_front();
    bucket.pending.wait();
    bucket.outgoing = at::Tensor();
    if (!bucket.arriving.defined()) continue;
    if (sharded_gradients() && bucket.gradient.defined()) {
      bucket.gradient.add_(bucket.arriving);
    } else {
      bucket.gradient = bucket.arriving.to(at::kFloat);
    }
    bucket.arriving = at::Tensor();
  }
}

void ShardedAdamW::end_backward() {
  const at::NoGradGuard no_grad;
  // Parameters that the loss does not depend on have no gradient and never arrive.
  while (next_to_dispatch_ < buckets_.size()) dispatch(*buckets_[next_to_dispatch_]);
  finish_pending(0);
}

double ShardedAdamW::gradient_norm() const {
  auto sum = at::zeros({}, buckets_.front()->weights.options().dtype(at::kDouble));
  for (const auto& bucket : buckets_) {
    if (!bucket->gradient.defined()) continue;
    sum += sum_of_squares(bucket->gradient_shard());
  }
  if (sharded_state()) communicator_.all_reduce_sum(sum);
  return std::sqrt(sum.item<double>());
}

void ShardedAdamW::update(Bucket& bucket, double learning_rate, double scale) {
  if (!bucket.gradient.defined()) bucket.gradient = at::zeros({bucket.shard_size}, bucket.weights.options());
  const auto& rule = bucket.parameters.front();
  const auto gradient = bucket.gradient_shard();
  if (scale != 1.0) gradient.mul_(scale);
  std::vector<at::Tensor> weights{bucket.weights}, gradients{gradient}, means{bucket.mean},
      squares{bucket.square}, steps{bucket.step};
  bucket.step.add_(1.0);
  at::_fused_adamw_(weights, gradients, means, squares, {}, steps, learning_rate * rule.lr_factor,
                    options_.beta1, options_.beta2, rule.weight_decay, options_.eps, false, false);
  if (bucket.has_master()) bucket.flat_shard().copy_(bucket.weights);
  bucket.gradient = at::Tensor();
}

StepOutcome ShardedAdamW::step(double learning_rate, double gradient_scale) {
  const at::NoGradGuard no_grad;
  const double norm = gradient_scale * gradient_norm();
  if (!std::isfinite(norm)) {
    for (auto& bucket : buckets_) bucket->gradient = at::Tensor();
    return {.grad_norm = norm, .skipped = true};
  }
  const bool clips = options_.clip_norm > 0.0 && norm > options_.clip_norm;
  const double scale = gradient_scale * (clips ? options_.clip_norm / (norm + 1e-6) : 1.0);
  std::deque<distributed::Pending> gathers;
  for (auto& bucket : buckets_) {
    update(*bucket, learning_rate, scale);
    if (sharded_state())
      gathers.push_back(communicator_.all_gather_async(bucket->flat_shard(), bucket->flat));
  }
  for (auto& gather : gathers) gather.wait();
  ++steps_;
  return {.grad_norm = norm, .skipped = false};
}

std::vector<io::NamedTensor> ShardedAdamW::state() const {
  std::vector<io::NamedTensor> tensors;
  const auto shards = layout();
  for (size_t i = 0; i < buckets_.size(); ++i) {
    const int64_t held = std::max<int64_t>(0, shards[i].end - shards[i].begin);
    const auto add = [&](const char* part, const at::Tensor& tensor) {
      tensors.push_back({"bucket" + std::to_string(i) + "." + part, tensor.slice(0, 0, held)});
    };
    if (buckets_[i]->has_master()) add("weights", buckets_[i]->weights);
    add("mean", buckets_[i]->mean);
    add("square", buckets_[i]->square);
  }
  return tensors;
}

std::vector<ShardedAdamW::BucketLayout> ShardedAdamW::layout() const {
  std::vector<BucketLayout> layouts;
  for (const auto& bucket : buckets_) {
    BucketLayout layout{.names = {}, .elements = bucket->elements};
    for (const auto& parameter : bucket->parameters) layout.names.push_back(parameter.name);
    layout.begin = std::min(bucket->shard_begin, bucket->elements);
    layout.end = std::min(bucket->shard_begin + bucket->shard_size, bucket->elements);
    layouts.push_back(std::move(layout));
  }
  return layouts;
}

void ShardedAdamW::restore(int64_t steps, const ReadState& read) {
  const at::NoGradGuard no_grad;
  const auto shards = layout();
  for (size_t i = 0; i < buckets_.size(); ++i) {
    auto& bucket = *buckets_[i];
    const int64_t held = shards[i].end - shards[i].begin;
    const auto fill = [&](const char* part, at::Tensor& tensor) {
      if (held > 0) tensor.slice(0, 0, held).copy_(read(i, part, shards[i].begin, shards[i].end));
    };
    fill("mean", bucket.mean);
    fill("square", bucket.square);
    bucket.step.fill_(static_cast<double>(steps));
    if (!bucket.has_master()) continue;
    fill("weights", bucket.weights);
    bucket.flat_shard().copy_(bucket.weights);
    if (sharded_state()) communicator_.all_gather(bucket.flat_shard(), bucket.flat);
  }
  steps_ = steps;
}

int64_t ShardedAdamW::bytes() const {
  int64_t total = 0;
  for (const auto& bucket : buckets_) {
    const int64_t gradients = sharded_gradients() ? bucket->shard_size : bucket->padded;
    total += 4 * (gradients + (bucket->has_master() ? 3 : 2) * bucket->shard_size);
  }
  return total;
}

}  // namespace ccexpert::train

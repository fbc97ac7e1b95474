#include "train/sharded_adamw.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <ATen/ATen.h>
#include <ATen/ops/_fused_adamw.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <ccexpert/core/error.h>

#include "train/adamw_bucket.h"

namespace ccexpert::train {
namespace {

/// Largest number of buckets with a running collective; each needs one more gradient buffer.
constexpr size_t kInFlight = 2;

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
    if (buckets_.empty() || !buckets_.back()->fits(parameter, options.bucket_elements))
      buckets_.push_back(std::make_unique<Bucket>());
    buckets_.back()->append(std::move(parameter));
  }
  for (size_t i = 0; i < buckets_.size(); ++i) {
    auto& bucket = *buckets_[i];
    bucket.allocate(sharded_state() ? communicator_.rank() : 0, sharded_state() ? communicator_.size() : 1);
    hook(i);
  }
}

ShardedAdamW::ShardedAdamW(WeightShards& shards, const AdamWOptions& options,
                           distributed::Communicator& communicator)
    : options_(options), communicator_(communicator), shards_(&shards) {
  for (const auto& trained : shards.trained()) {
    buckets_.push_back(std::make_unique<Bucket>());
    buckets_.back()->adopt(*trained.weights);
    hook(buckets_.size() - 1);
    if (!trained.block) continue;
    buckets_of_blocks_.resize(std::max(buckets_of_blocks_.size(), *trained.block + 1));
    buckets_of_blocks_[*trained.block].push_back(buckets_.size() - 1);
  }
  shards.set_after_backward([this](size_t block) { block_left(block); });
}

void ShardedAdamW::hook(size_t index) {
  auto& bucket = *buckets_[index];
  for (size_t p = 0; p < bucket.parameters.size(); ++p) {
    torch::autograd::impl::set_post_acc_grad_hooks(bucket.parameters[p].tensor,
                                                   std::make_unique<Arrival>(this, index, p));
  }
}

ShardedAdamW::~ShardedAdamW() {
  if (shards_ != nullptr) shards_->set_after_backward(nullptr);
  for (auto& bucket : buckets_) {
    for (auto& parameter : bucket->parameters) {
      torch::autograd::impl::set_post_acc_grad_hooks(parameter.tensor, nullptr);
    }
  }
}

void ShardedAdamW::begin_backward(bool last) {
  last_ = last;
  next_to_dispatch_ = 0;
  for (auto& bucket : buckets_) bucket->begin_backward();
  if (shards_ != nullptr) shards_->begin_pass();
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
  if (shards_ == nullptr) dispatch_ready();
}

/// Sends the gradients of a block, which are complete; the order of blocks is the same on all ranks.
void ShardedAdamW::block_left(size_t block) {
  const at::NoGradGuard no_grad;
  if (block >= buckets_of_blocks_.size()) return;
  for (const size_t index : buckets_of_blocks_[block]) send_gradients(index);
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
    send_gradients(index);
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
    finish_pending(kInFlight);
  }
}

/// Starts to reduce the gradients of the running backward pass to shards, once per pass.
void ShardedAdamW::send_gradients(size_t index) {
  auto& bucket = *buckets_[index];
  if (std::exchange(bucket.sent, true)) return;
  bucket.complete_outgoing();
  bucket.arriving = at::empty({bucket.shard_size}, bucket.outgoing.options());
  bucket.pending = communicator_.reduce_scatter_sum_async(bucket.outgoing, bucket.arriving);
  in_flight_.push_back(index);
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
  if (shards_ != nullptr) shards_->end_pass();
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
  if (bucket.has_master()) bucket.held.copy_(bucket.weights);
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
    if (sharded_state() && bucket->flat.defined())
      gathers.push_back(communicator_.all_gather_async(bucket->held, bucket->flat));
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
    BucketLayout layout{.names = {}, .offsets = bucket->offsets, .sizes = {}, .elements = bucket->elements};
    for (const auto& parameter : bucket->parameters) {
      layout.names.push_back(parameter.name);
      layout.sizes.push_back(parameter.tensor.numel());
    }
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
    bucket.held.copy_(bucket.weights);
    if (sharded_state() && bucket.flat.defined()) communicator_.all_gather(bucket.held, bucket.flat);
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

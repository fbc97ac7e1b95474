#include "train/weight_shards.h"

#include <algorithm>
#include <limits>

#include <ATen/ATen.h>

#include <ccexpert/core/error.h>

#include "model/shared/blocks.h"

namespace ccexpert::train {
namespace {

bool same_rule(const TrainableParameter& a, const TrainableParameter& b) {
  return a.lr_factor == b.lr_factor && a.weight_decay == b.weight_decay &&
         a.tensor.scalar_type() == b.tensor.scalar_type();
}

/// Groups parameters by their rule, in the order of each rule's first parameter.
std::vector<std::vector<TrainableParameter>> grouped(std::vector<TrainableParameter> parameters) {
  std::vector<std::vector<TrainableParameter>> groups;
  for (auto& parameter : parameters) {
    const auto group =
        std::ranges::find_if(groups, [&](const auto& each) { return same_rule(each.front(), parameter); });
    if (group == groups.end()) {
      groups.push_back({std::move(parameter)});
    } else {
      group->push_back(std::move(parameter));
    }
  }
  return groups;
}

}  // namespace

WeightShards::WeightShards(const Content& content, at::Device device, distributed::Communicator& communicator)
    : device_(device), communicator_(communicator), flat_elements_(content.flat_elements) {
  std::vector<std::string> names;
  std::vector<std::vector<TrainableParameter>> blocks;
  std::vector<TrainableParameter> others;
  for (const auto& parameter : content.parameters) {
    const auto name = model::block_of(parameter.name);
    if (name.empty()) {
      others.push_back(parameter);
      continue;
    }
    if (names.empty() || names.back() != name) {
      names.emplace_back(name);
      blocks.emplace_back();
    }
    blocks.back().push_back(parameter);
  }
  const auto modules = content.model.named_modules();
  for (size_t i = 0; i < blocks.size(); ++i) {
    block_of_module_[modules[names[i]].get()] = i;
    add_flats(blocks_.emplace_back(), std::move(blocks[i]), std::numeric_limits<int64_t>::max());
    remember(blocks_.back(), i);
  }
  add(std::move(others));
}

void WeightShards::add(std::vector<TrainableParameter> parameters) {
  add_flats(outside_, std::move(parameters), flat_elements_);
  remember(outside_, std::nullopt);
}

void WeightShards::add_flats(Flats& flats, std::vector<TrainableParameter> parameters, int64_t limit) {
  const auto close = [&](std::vector<TrainableParameter>& part) {
    if (!part.empty())
      flats.push_back(std::make_unique<FlatWeights>(std::move(part), device_, communicator_));
    part.clear();
  };
  for (auto& group : grouped(std::move(parameters))) {
    std::vector<TrainableParameter> part;
    int64_t elements = 0;
    for (auto& parameter : group) {
      const int64_t count = parameter.tensor.numel();
      if (elements + count > limit) {
        close(part);
        elements = 0;
      }
      elements += count;
      part.push_back(std::move(parameter));
    }
    close(part);
  }
}

void WeightShards::remember(const Flats& flats, std::optional<size_t> block) {
  for (const auto& flat : flats) {
    for (size_t p = 0; p < flat->parameters().size(); ++p)
      places_[flat->parameters()[p].tensor.unsafeGetTensorImpl()] = {flat.get(), p, block};
  }
}

void WeightShards::begin_pass() {
  for (const auto& flat : outside_) flat->start(communicator_);
  for (const auto& flat : outside_) flat->finish();
  count_gathered();
}

void WeightShards::end_pass() {
  leave_current();
  drop(arriving_);
  for (const auto& flat : outside_) flat->release();
  visited_.clear();
  in_backward_ = false;
}

std::optional<size_t> WeightShards::find(const torch::nn::Module& block) const {
  const auto found = block_of_module_.find(&block);
  return found == block_of_module_.end() ? std::nullopt : std::optional(found->second);
}

void WeightShards::acquire(size_t block, PassDirection direction) {
  if (requests_) {
    while (serve(block) != block) continue;
    return;
  }
  if (direction == PassDirection::kBackward) forget_visit(block);
  if (current_ != block) {
    leave_current();
    if (arriving_ != block) drop(arriving_);
    gather(block);
    arriving_ = std::nullopt;
  }
  in_backward_ = direction == PassDirection::kBackward;
  if (!arriving_) arriving_ = next_of(block, direction);
  if (arriving_) start(*arriving_);
  count_gathered();
}

void WeightShards::forget_visit(size_t block) {
  const auto visit = std::find(visited_.rbegin(), visited_.rend(), block);
  if (visit != visited_.rend()) visited_.erase(visit.base() - 1, visited_.end());
}

std::optional<size_t> WeightShards::next_of(size_t block, PassDirection direction) const {
  if (direction == PassDirection::kBackward)
    return visited_.empty() ? std::nullopt : std::optional(visited_.back());
  return block + 1 < blocks_.size() ? std::optional(block + 1) : std::nullopt;
}

void WeightShards::start(size_t block) {
  for (const auto& flat : blocks_[block]) flat->start(communicator_);
}

void WeightShards::gather(size_t block) {
  start(block);
  for (const auto& flat : blocks_[block]) flat->finish();
  current_ = block;
}

void WeightShards::drop(std::optional<size_t>& block) {
  if (!block) return;
  for (const auto& flat : blocks_[*block]) flat->release();
  block = std::nullopt;
}

void WeightShards::leave_current() {
  const auto left = current_;
  drop(current_);
  if (left && in_backward_ && after_backward_) after_backward_(*left);
}

void WeightShards::begin_requests() {
  begin_pass();
  requests_ = true;
}

void WeightShards::end_requests() {
  while (serve(std::nullopt)) continue;
  requests_ = false;
  end_pass();
}

std::optional<size_t> WeightShards::serve(std::optional<size_t> wanted) {
  const auto options = at::TensorOptions().device(device_).dtype(at::kLong);
  const int64_t none = std::ssize(blocks_);
  const auto all = at::empty({communicator_.size()}, options);
  communicator_.all_gather(at::full({1}, wanted ? static_cast<int64_t>(*wanted) : none, options), all);
  // The earliest block first: a rank that is ahead waits, so that the ranks go on together.
  const auto first = all.min().item<int64_t>();
  if (first == none) return std::nullopt;
  const auto block = static_cast<size_t>(first);
  if (current_ != block) {
    drop(current_);
    gather(block);
    count_gathered();
  }
  return block;
}

std::vector<WeightShards::Trained> WeightShards::trained() const {
  std::vector<Trained> trained;
  for (const auto& flat : outside_) {
    if (flat->trains()) trained.push_back({.weights = flat.get()});
  }
  for (size_t i = 0; i < blocks_.size(); ++i) {
    for (const auto& flat : blocks_[i]) {
      if (flat->trains()) trained.push_back({.weights = flat.get(), .block = i});
    }
  }
  return trained;
}

WeightShards::HeldPart WeightShards::held_part(const at::Tensor& parameter) const {
  const auto found = places_.find(parameter.unsafeGetTensorImpl());
  if (found == places_.end()) fail("weights in shards", "a tensor that is not a parameter of the model");
  HeldPart part;
  part.values = found->second.flat->held_part(found->second.parameter, part.begin);
  return part;
}

at::Tensor WeightShards::whole(const at::Tensor& tensor) {
  const auto found = places_.find(tensor.unsafeGetTensorImpl());
  if (found == places_.end()) return tensor;
  if (const auto block = found->second.block; block && current_ != block) {
    drop(current_);
    gather(*block);
    count_gathered();
  }
  return tensor.detach();
}

int64_t WeightShards::shard_bytes() const {
  int64_t bytes = 0;
  const auto count = [&](const Flats& flats) {
    for (const auto& flat : flats) bytes += static_cast<int64_t>(flat->shard().nbytes());
  };
  count(outside_);
  for (const auto& block : blocks_) count(block);
  return bytes;
}

void WeightShards::count_gathered() {
  int64_t bytes = 0;
  const auto count = [&](const Flats& flats) {
    for (const auto& flat : flats) bytes += flat->gathered_bytes();
  };
  count(outside_);
  for (const auto& block : blocks_) count(block);
  peak_gathered_ = std::max(peak_gathered_, bytes);
}

}  // namespace ccexpert::train

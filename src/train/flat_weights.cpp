#include "train/flat_weights.h"

#include <algorithm>
#include <limits>

#include <ATen/ATen.h>

namespace ccexpert::train {
namespace {

c10::StorageImpl& storage_of(const at::Tensor& tensor) {
  return *tensor.storage().unsafeGetStorageImpl();
}

/// Gives memory to the storage of `whole`, and with it to all views, also those that a graph saved.
void allocate_storage(const at::Tensor& whole) {
  const auto fresh = at::empty(whole.sizes(), whole.options());
  auto& storage = storage_of(whole);
  storage.set_data_ptr_noswap(std::move(storage_of(fresh)._mutable_data_ptr_no_checks()));
  storage.set_nbytes(fresh.nbytes());
}

void free_storage(const at::Tensor& whole) {
  auto& storage = storage_of(whole);
  storage.set_data_ptr_noswap(at::DataPtr(nullptr, whole.device()));
  storage.set_nbytes(size_t{0});
}

}  // namespace

FlatWeights::FlatWeights(std::vector<TrainableParameter> parameters, at::Device device,
                         const distributed::Communicator& communicator)
    : parameters_(std::move(parameters)) {
  const at::NoGradGuard no_grad;
  for (const auto& parameter : parameters_) place(parameter.tensor.numel());
  divide(communicator.rank(), communicator.size());
  const auto options = at::TensorOptions().dtype(parameters_.front().tensor.scalar_type()).device(device);
  shard_ = at::zeros({shard_size}, options);
  for (size_t p = 0; p < parameters_.size(); ++p) {
    int64_t begin = 0;
    const auto held = held_part(p, begin);
    if (held.numel() > 0)
      held.copy_(parameters_[p].tensor.detach().flatten().slice(0, begin, begin + held.numel()));
  }
  nothing_ = at::full({1}, std::numeric_limits<double>::quiet_NaN(), options);
  whole_ = at::empty({padded}, options);
  has_memory_ = true;
  release();
}

at::Tensor FlatWeights::held_part(size_t parameter, int64_t& begin) const {
  const int64_t first = offsets[parameter], last = first + parameters_[parameter].tensor.numel();
  const int64_t from = std::clamp(shard_begin, first, last);
  const int64_t to = std::clamp(shard_begin + shard_size, first, last);
  begin = from - first;
  return to > from ? shard_.slice(0, from - shard_begin, to - shard_begin) : shard_.slice(0, 0, 0);
}

void FlatWeights::start(distributed::Communicator& communicator) {
  if (has_memory_) return;
  allocate_storage(whole_);
  has_memory_ = true;
  pending_ = communicator.all_gather_async(shard_, whole_);
}

void FlatWeights::finish() {
  const at::NoGradGuard no_grad;
  pending_.wait();
  for (size_t p = 0; p < parameters_.size(); ++p) {
    auto& tensor = parameters_[p].tensor;
    tensor.set_data(whole_.slice(0, offsets[p], offsets[p] + tensor.numel()).view(tensor.sizes()));
  }
}

void FlatWeights::release() {
  if (!has_memory_) return;
  const at::NoGradGuard no_grad;
  pending_.wait();
  for (auto& parameter : parameters_) parameter.tensor.set_data(nothing_.expand(parameter.tensor.sizes()));
  free_storage(whole_);
  has_memory_ = false;
}

}  // namespace ccexpert::train

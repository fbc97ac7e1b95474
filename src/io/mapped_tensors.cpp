#include "io/mapped_tensors.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include <ATen/Functions.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <ccexpert/core/error.h>

namespace ccexpert::io {

void MappedTensors::add(TensorInfo info, Place place) {
  places_.emplace(info.name, std::move(place));
  infos_.push_back(std::move(info));
}

void MappedTensors::finish() {
  std::sort(infos_.begin(), infos_.end(),
            [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
}

at::Tensor MappedTensors::tensor(const std::string& name) const {
  const auto* info = find(name);
  if (info == nullptr) fail({file_->path().string(), "tensor " + name, "no such tensor"});
  const auto& place = places_.at(name);
  const auto options = at::TensorOptions().dtype(info->dtype);
  // A file without a data section, or a tensor without elements, has no address to point to.
  if (place.bytes == 0) return at::empty(info->shape, options);
  auto* address = const_cast<std::byte*>(file_->data() + place.offset);
  const auto view = [&](void* data, const std::function<void(void*)>& keep) {
    return place.strides.empty() ? at::from_blob(data, info->shape, keep, options)
                                 : at::from_blob(data, info->shape, place.strides, keep, options);
  };
  const bool aligned = reinterpret_cast<uintptr_t>(address) % c10::elementSize(info->dtype) == 0;
  if (aligned) return view(address, [file = file_](void*) {});
  const auto copy = at::empty({static_cast<int64_t>(place.bytes)}, at::kByte);
  std::memcpy(copy.mutable_data_ptr(), address, place.bytes);
  return view(copy.mutable_data_ptr(), [copy](void*) {});
}

void MappedTensors::release(const std::string& name) const {
  const auto found = places_.find(name);
  if (found != places_.end()) file_->release(found->second.offset, found->second.bytes);
}

}  // namespace ccexpert::io

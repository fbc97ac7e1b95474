#include "io/mapped_tensors.h"

#include <algorithm>
#include <cstring>

#include <ATen/Functions.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <ccexpert/core/error.h>

#include "core/foreign_errors.h"

namespace ccexpert::io {

at::Tensor tensor_over(void* data, const TensorInfo& info, const std::vector<int64_t>& strides,
                       const std::function<void(void*)>& keep) {
  const auto options = at::TensorOptions().dtype(info.dtype);
  return strides.empty() ? at::from_blob(data, info.shape, keep, options)
                         : at::from_blob(data, info.shape, strides, keep, options);
}

void MappedTensors::add(TensorInfo info, Place place) {
  places_.emplace(info.name, std::move(place));
  infos_.push_back(std::move(info));
}

void MappedTensors::finish() {
  std::sort(infos_.begin(), infos_.end(),
            [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
}

at::Tensor MappedTensors::tensor(const std::string& name) const try {
  const auto* info = find(name);
  if (info == nullptr) fail_expected({file_->path().string(), "tensor " + name, "no such tensor"});
  const auto& place = places_.at(name);
  // A file without a data section, or a tensor without elements, has no address to point to.
  if (place.bytes == 0) return at::empty(info->shape, at::TensorOptions().dtype(info->dtype));
  auto* address = const_cast<std::byte*>(file_->data() + place.offset);
  const bool aligned = reinterpret_cast<uintptr_t>(address) % c10::elementSize(info->dtype) == 0;
  if (aligned) return tensor_over(address, *info, place.strides, [file = file_](void*) {});
  const auto copy = at::empty({static_cast<int64_t>(place.bytes)}, at::kByte);
  std::memcpy(copy.mutable_data_ptr(), address, place.bytes);
  return tensor_over(copy.mutable_data_ptr(), *info, place.strides, [copy](void*) {});
} catch (...) {
  rethrow_as_error();
}

void MappedTensors::release(const std::string& name) const {
  file_->expect_whole();
  const auto found = places_.find(name);
  if (found != places_.end()) file_->release(found->second.offset, found->second.bytes);
}

}  // namespace ccexpert::io

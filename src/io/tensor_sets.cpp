#include "io/tensor_sets.h"

#include <algorithm>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert::io {

TensorSet::TensorSet(std::vector<std::unique_ptr<TensorSource>> parts,
                     const std::function<std::string(const std::string&)>& rename)
    : parts_(std::move(parts)) {
  for (const auto& part : parts_) {
    for (auto info : part->tensors()) {
      const std::string original = info.name;
      info.name = rename(original);
      const auto [place, inserted] = origins_.emplace(info.name, Origin{part.get(), original});
      if (!inserted) {
        fail_expected(
            {info.file, fmt::format("tensor {} once", info.name),
             fmt::format("it twice (also in {})", place->second.source->find(place->second.name)->file)});
      }
      infos_.push_back(std::move(info));
    }
  }
  std::sort(infos_.begin(), infos_.end(),
            [](const TensorInfo& a, const TensorInfo& b) { return a.name < b.name; });
}

const TensorSet::Origin& TensorSet::origin(const std::string& name) const {
  const auto found = origins_.find(name);
  if (found == origins_.end()) fail_expected({"checkpoint", "tensor " + name, "no such tensor"});
  return found->second;
}

at::Tensor TensorSet::tensor(const std::string& name) const {
  const auto& from = origin(name);
  return from.source->tensor(from.name);
}

void TensorSet::release(const std::string& name) const {
  const auto& from = origin(name);
  from.source->release(from.name);
}

}  // namespace ccexpert::io

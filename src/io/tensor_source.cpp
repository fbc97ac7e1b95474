#include <algorithm>

#include <ccexpert/io/tensor_source.h>

namespace ccexpert::io {

const TensorInfo* TensorSource::find(const std::string& name) const {
  const auto& all = tensors();
  const auto found =
      std::lower_bound(all.begin(), all.end(), name,
                       [](const TensorInfo& info, const std::string& key) { return info.name < key; });
  return found != all.end() && found->name == name ? &*found : nullptr;
}

}  // namespace ccexpert::io

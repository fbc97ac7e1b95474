#include "generate/keep_tokens.h"

#include <cmath>

#include <ATen/ATen.h>

namespace ccexpert::generate {

at::Tensor changed_patches(const at::Tensor& change, double share) {
  const auto values = change.to(at::kFloat);
  const auto difference = (values - values.mean(1, true)).norm(2, -1);  // [B,N]
  const auto kept = static_cast<int64_t>(std::ceil(share * static_cast<double>(change.size(1))));
  const auto patches = std::get<1>(difference.topk(kept, 1));
  return std::get<0>(patches.sort(1));
}

at::Tensor at_patches(const at::Tensor& features, const at::Tensor& patches) {
  const auto index = patches.repeat_interleave(2, 0).unsqueeze(-1).expand({-1, -1, features.size(-1)});
  return features.gather(1, index);
}

}  // namespace ccexpert::generate

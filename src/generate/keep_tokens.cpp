#include "generate/keep_tokens.h"

#include <cmath>
#include <numeric>

#include <ATen/ATen.h>

namespace ccexpert::generate {
namespace {

/// Returns the positions of all tokens of one prompt.
std::vector<int64_t> positions_of(const std::vector<int64_t>& ids, const ThinnedPrompts& prompts,
                                  const at::Tensor& patches) {
  const auto* kept = patches.const_data_ptr<int64_t>();
  std::vector<int64_t> positions;
  int64_t next = 0;
  for (const int64_t id : ids) {
    if (id >= 0) {
      positions.push_back(next++);
      continue;
    }
    for (int64_t i = 0; i < patches.numel(); ++i) positions.push_back(next + kept[i]);
    next += prompts.all_patches;
    for (int64_t i = 0; i < prompts.other_tokens; ++i) positions.push_back(next++);
  }
  return positions;
}

}  // namespace

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

at::Tensor full_positions(const ThinnedPrompts& prompts, const std::vector<int64_t>& first, int64_t tokens) {
  auto all = at::empty({std::ssize(prompts.ids), tokens}, at::kLong);
  const auto patches = prompts.patches.to(at::kCPU).contiguous();
  for (size_t row = 0; row < prompts.ids.size(); ++row) {
    const auto index = static_cast<int64_t>(row);
    auto positions = positions_of(prompts.ids[row], prompts, patches[index]);
    positions.erase(positions.begin(), positions.begin() + first[row]);
    const auto real = std::ssize(positions);
    positions.resize(static_cast<size_t>(tokens));
    std::iota(positions.begin() + real, positions.end(), positions[static_cast<size_t>(real - 1)] + 1);
    all[index].copy_(at::tensor(positions, at::kLong));
  }
  return all;
}

}  // namespace ccexpert::generate

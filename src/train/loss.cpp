#include "train/loss.h"

#include <algorithm>

#include <ATen/ATen.h>

#include <ccexpert/text/prompt.h>

#include "model/shared/recompute.h"
#include "runtime/staging.h"

namespace ccexpert::train {

using text::kIgnoredLabel;

at::Tensor splice_labels(const std::vector<std::vector<int64_t>>& ids,
                         const std::vector<std::vector<int64_t>>& labels, int64_t tokens_per_image) {
  std::vector<std::vector<int64_t>> rows;
  size_t longest = 0;
  for (size_t row = 0; row < ids.size(); ++row) {
    std::vector<int64_t> spliced;
    for (size_t i = 0; i < ids[row].size(); ++i) {
      const bool image = ids[row][i] < 0;
      spliced.insert(spliced.end(), image ? static_cast<size_t>(tokens_per_image) : 1,
                     image ? kIgnoredLabel : labels[row][i]);
    }
    longest = std::max(longest, spliced.size());
    rows.push_back(std::move(spliced));
  }
  auto result =
      at::full({static_cast<int64_t>(rows.size()), static_cast<int64_t>(longest)}, kIgnoredLabel, at::kLong);
  for (size_t row = 0; row < rows.size(); ++row) {
    std::copy(rows[row].begin(), rows[row].end(),
              result[static_cast<int64_t>(row)].mutable_data_ptr<int64_t>());
  }
  return result;
}

namespace {

/// Returns the summed cross-entropy, in float32, of `states` [n,H] and `targets` [n].
at::Tensor summed_loss(const model::Linear& head, const at::Tensor& states, const at::Tensor& targets) {
  const auto block = [&head, targets](const model::TensorList& inputs) {
    const auto logits = head.forward(inputs[0], inputs[1]).to(at::kFloat);
    return model::TensorList{at::cross_entropy_loss(logits, targets, {}, at::Reduction::Sum)};
  };
  // The matrix is an input of recompute, as every chunk reads it, and the embedding too if they are tied. A
  // product from outside may read other tensors that need gradients, so its logits are kept.
  const model::TensorList inputs{states, head.matrix()};
  return (head.product() ? block(inputs) : model::recompute(block, inputs))[0];
}

}  // namespace

CaptionLoss caption_loss(const model::Decoder& decoder, const at::Tensor& hidden, const at::Tensor& labels,
                         int64_t chunk) {
  // On the CPU, since counting on a GPU would wait for it.
  const auto next = labels.slice(1, 1).flatten();  // [B*(T-1)]
  const auto supervised = next.ne(kIgnoredLabel).nonzero().squeeze(1);
  const int64_t tokens = supervised.size(0);
  if (tokens == 0) return {hidden.sum().to(at::kFloat) * 0.0, 0};
  const auto states = hidden.slice(1, 0, hidden.size(1) - 1)
                          .flatten(0, 1)
                          .index_select(0, runtime::staged(supervised, hidden.device()));  // [tokens,H]
  const auto targets = runtime::staged(next.index_select(0, supervised), hidden.device());
  auto sum = at::zeros({}, hidden.options().dtype(at::kFloat));
  for (int64_t start = 0; start < tokens; start += chunk) {
    sum = sum + summed_loss(decoder.head(), states.slice(0, start, start + chunk),
                            targets.slice(0, start, start + chunk));
  }
  return {sum / static_cast<double>(tokens), tokens};
}

}  // namespace ccexpert::train

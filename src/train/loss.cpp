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

int64_t length_step(at::Device device) {
  // A plan of cuDNN takes 80 ms, and captions of a few tokens more or less make dozens of lengths.
  constexpr int64_t kGpuStep = 64;
  return device.is_cuda() ? kGpuStep : 1;
}

LabelledSequences lengthened(LabelledSequences sequences, int64_t step) {
  const int64_t added = (step - sequences.labels.size(1) % step) % step;
  if (added == 0) return sequences;
  return {.embeddings = at::constant_pad_nd(sequences.embeddings, {0, 0, 0, added}),
          .labels = at::constant_pad_nd(sequences.labels, {0, added}, kIgnoredLabel)};
}

namespace {

/// Supervised positions: states [n,H], targets [n], and weights [n] in float32, undefined if all are 1.
struct Supervised {
  at::Tensor states;
  at::Tensor targets;
  at::Tensor weights;

  int64_t size() const { return targets.size(0); }
  Supervised slice(int64_t start, int64_t end) const {
    return {states.slice(0, start, end), targets.slice(0, start, end),
            weights.defined() ? weights.slice(0, start, end) : weights};
  }
};

/// Returns the positions with a label for the next token; `weights` [B] are those of the rows, or undefined.
Supervised supervised_positions(const at::Tensor& hidden, const at::Tensor& labels,
                                const at::Tensor& weights) {
  // On the CPU, since counting on a GPU would wait for it.
  const auto next = labels.slice(1, 1).flatten();  // [B*(T-1)]
  const auto places = next.ne(kIgnoredLabel).nonzero().squeeze(1);
  const auto device = hidden.device();
  Supervised positions;
  positions.states =
      hidden.slice(1, 0, hidden.size(1) - 1).flatten(0, 1).index_select(0, runtime::staged(places, device));
  positions.targets = runtime::staged(next.index_select(0, places), device);
  if (!weights.defined()) return positions;
  const auto rows = at::div(places, labels.size(1) - 1, "floor");
  positions.weights = runtime::staged(weights.index_select(0, rows), device);
  return positions;
}

/// Returns the summed cross-entropy in float32.
at::Tensor summed_loss(const model::Linear& head, const Supervised& positions) {
  const auto block = [&head, targets = positions.targets,
                      weights = positions.weights](const model::TensorList& inputs) {
    const auto logits = head.forward(inputs[0], inputs[1]).to(at::kFloat);
    if (!weights.defined())
      return model::TensorList{at::cross_entropy_loss(logits, targets, {}, at::Reduction::Sum)};
    const auto each = at::cross_entropy_loss(logits, targets, {}, at::Reduction::None);
    return model::TensorList{(each * weights).sum()};
  };
  // The matrix is an input of recompute, as every chunk reads it, and the embedding too if they are tied. A
  // product from outside may read other tensors that need gradients, so its logits are kept.
  const model::TensorList inputs{positions.states, head.matrix()};
  return (head.product() ? block(inputs) : model::recompute(block, inputs))[0];
}

CaptionLoss mean_loss(const model::Decoder& decoder, const at::Tensor& hidden, const Supervised& positions,
                      int64_t chunk) {
  const int64_t tokens = positions.size();
  if (tokens == 0) return {hidden.sum().to(at::kFloat) * 0.0, 0};
  auto sum = at::zeros({}, hidden.options().dtype(at::kFloat));
  for (int64_t start = 0; start < tokens; start += chunk)
    sum = sum + summed_loss(decoder.head(), positions.slice(start, start + chunk));
  return {sum / static_cast<double>(tokens), tokens};
}

}  // namespace

CaptionLoss caption_loss(const model::Decoder& decoder, const at::Tensor& hidden, const at::Tensor& labels,
                         int64_t chunk) {
  return mean_loss(decoder, hidden, supervised_positions(hidden, labels, {}), chunk);
}

CaptionLoss weighted_caption_loss(const model::Decoder& decoder, const at::Tensor& hidden,
                                  const at::Tensor& labels, const at::Tensor& weights) {
  return mean_loss(decoder, hidden, supervised_positions(hidden, labels, weights), kChunk);
}

}  // namespace ccexpert::train

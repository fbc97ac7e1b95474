// Token cross-entropy that never builds a [T,V] tensor of logits.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include <ccexpert/model/ccexpert_model.h>

namespace ccexpert::train {

/// Positions whose logits exist at once.
inline constexpr int64_t kChunk = 256;

struct CaptionLoss {
  at::Tensor mean;     ///< scalar float32, differentiable; 0 if nothing is supervised
  int64_t tokens = 0;  ///< supervised positions
};

/// Maps labels of each sample (one per prompt token, image placeholders in place) to labels on the spliced
/// sequence, where the N tokens of an image have none. Returns [B,T] int64 on the CPU, padded with
/// `text::kIgnoredLabel` (-100).
at::Tensor splice_labels(const std::vector<std::vector<int64_t>>& ids,
                         const std::vector<std::vector<int64_t>>& labels, int64_t tokens_per_image);

/// Embeddings [B,T,H] of whole sequences, and their labels [B,T] on the CPU.
struct LabelledSequences {
  at::Tensor embeddings;
  at::Tensor labels;
};

/// Returns the number of tokens of which lengths should be a multiple: 64 on a GPU, where attention is
/// planned once for each length, and 1 elsewhere.
int64_t length_step(at::Device device);

/// Appends tokens without label until the length is a multiple of `step`. They change no loss: no token
/// before them sees them.
LabelledSequences lengthened(LabelledSequences sequences, int64_t step);

/// Returns the mean cross-entropy of the next token over supervised positions (spec section 9). `hidden` is
/// [B,T,H]; `labels` is [B,T], not shifted, on the CPU, -100 if not supervised. Only supervised hidden states
/// go through the head, `chunk` at a time, and the logits of a chunk exist only during its computation.
CaptionLoss caption_loss(const model::Decoder& decoder, const at::Tensor& hidden, const at::Tensor& labels,
                         int64_t chunk = kChunk);

/// Returns the sum of the cross-entropies, each times the weight of its row in `weights` [B] (float32 on the
/// CPU), divided by the number of supervised positions: weights of 1 give caption_loss, and a sample's weight
/// does not depend on the others of its micro-batch.
CaptionLoss weighted_caption_loss(const model::Decoder& decoder, const at::Tensor& hidden,
                                  const at::Tensor& labels, const at::Tensor& weights);

}  // namespace ccexpert::train

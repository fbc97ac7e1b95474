// Token cross-entropy that never builds a [T,V] tensor of logits.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include <ccexpert/model/ccexpert_model.h>

namespace ccexpert::train {

struct CaptionLoss {
  at::Tensor mean;     ///< scalar float32, differentiable; 0 if nothing is supervised
  int64_t tokens = 0;  ///< supervised positions
};

/// Maps labels of each sample (one per prompt token, image placeholders in place) to labels on the spliced
/// sequence, where the N tokens of an image have none. Returns [B,T] int64 on the CPU, padded with
/// `text::kIgnoredLabel` (-100).
at::Tensor splice_labels(const std::vector<std::vector<int64_t>>& ids,
                         const std::vector<std::vector<int64_t>>& labels, int64_t tokens_per_image);

/// Returns the mean cross-entropy of the next token over supervised positions (spec section 9). `hidden` is
/// [B,T,H]; `labels` is [B,T], not shifted, on the CPU, -100 if not supervised. Only supervised hidden states
/// go through the head, `chunk` at a time, and the logits of a chunk exist only during its computation.
CaptionLoss caption_loss(const model::Decoder& decoder, const at::Tensor& hidden, const at::Tensor& labels,
                         int64_t chunk = 256);

}  // namespace ccexpert::train

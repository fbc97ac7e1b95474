/// Token cross-entropy without a [T,V] tensor of logits.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include <ccexpert/model/ccexpert_model.h>

namespace ccexpert::train {

struct TokenLoss {
  at::Tensor mean;     ///< scalar float32, differentiable; 0 where nothing is supervised
  int64_t tokens = 0;  ///< supervised positions
};

/// Labels of each sample, one a token of its prompt with image placeholders in place, to labels on the
/// spliced sequence: an image's N tokens carry none. Result [B,T] int64 on the CPU, padded with
/// `text::kIgnoredLabel`'s value -100.
at::Tensor splice_labels(const std::vector<std::vector<int64_t>>& ids,
                         const std::vector<std::vector<int64_t>>& labels, int64_t tokens_per_image);

/// Mean cross-entropy of the next token over supervised positions (spec section 9). `hidden` [B,T,H],
/// `labels` [B,T] not shifted, on the CPU, -100 where not supervised. Only supervised hidden states meet the
/// head, `chunk` at a time, and the logits of a chunk live only while it is computed.
TokenLoss token_loss(const Qwen2Decoder& decoder, const at::Tensor& hidden, const at::Tensor& labels,
                     int64_t chunk = 256);

}  // namespace ccexpert::train

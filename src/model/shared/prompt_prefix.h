// Tokens before the first image of a prompt, computed in float32 for an int8 model. They are the same for
// every pair, and the largest activations of Qwen2 are among them (Sun et al. 2024, "Massive activations").
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include <ccexpert/io/tensor_source.h>
#include <ccexpert/model/part_configs.h>

#include "model/shared/adapter.h"

namespace ccexpert::model {

/// First tokens of prompts, with their keys and values after rotation.
struct PromptPrefix {
  std::vector<int64_t> ids = {};
  at::Tensor keys = {};    ///< [L,K,T,d]
  at::Tensor values = {};  ///< [L,K,T,d]
};

/// Computes the keys and values of tokens from the decoder's weights in `source`, in float32 and with the
/// weights of one block in memory at a time. Matrices of 8 and 4 bits are used as they were rounded. `apart`:
/// adapter to merge into the weights, or null.
PromptPrefix compute_prompt_prefix(const DecoderConfig& config, const io::TensorSource& source,
                                   const Adapter* apart, std::vector<int64_t> ids);

/// Returns the number of tokens at the start of `prompt` that are those of the prefix.
int64_t common_start(const PromptPrefix& prefix, const std::vector<int64_t>& prompt);

}  // namespace ccexpert::model

// Choice of the image tokens that the decoder sees.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace ccexpert::generate {

/// Returns the K patches of each pair whose change feature stands out most, [B,K] in ascending order, from Q*
/// [B,N,D]. A patch stands out by the norm of its difference from the mean over the pair's patches: what all
/// patches share is light, season and camera. K is `share` of N, rounded up.
at::Tensor changed_patches(const at::Tensor& change, double share);

/// Selects the patches [B,K] of both images of each pair: [2B,N,D], dates alternating, to [2B,K,D].
at::Tensor at_patches(const at::Tensor& features, const at::Tensor& patches);

/// Prompts whose images lack some patches.
struct ThinnedPrompts {
  const std::vector<std::vector<int64_t>>& ids;  ///< of B prompts, negative for an image
  const at::Tensor& patches;                     ///< [B,K], those that stay, in ascending order
  int64_t all_patches = 0;                       ///< N
  int64_t other_tokens = 0;                      ///< of an image, after its patches
};

/// Returns the positions [B,tokens] of each prompt's tokens after its first `first[b]`: those that they have
/// if no patch is left out. Numbers in ascending order follow the last token.
at::Tensor full_positions(const ThinnedPrompts& prompts, const std::vector<int64_t>& first, int64_t tokens);

}  // namespace ccexpert::generate

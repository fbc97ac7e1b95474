// Choice of the image tokens that the decoder sees.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace ccexpert::generate {

/// Returns the K patches of each pair whose change feature stands out most, [B,K] in ascending order, from Q*
/// [B,N,D]. A patch stands out by the norm of its difference from the mean over the pair's patches: what all
/// patches share is light, season and camera. K is `share` of N, rounded up.
at::Tensor changed_patches(const at::Tensor& change, double share);

/// Selects the patches [B,K] of both images of each pair: [2B,N,D], dates alternating, to [2B,K,D].
at::Tensor at_patches(const at::Tensor& features, const at::Tensor& patches);

}  // namespace ccexpert::generate

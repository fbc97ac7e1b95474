// silu(gate) * up, the gated activation in the MLP of LLaMA's family.
#pragma once

#include <ATen/core/Tensor.h>

namespace ccexpert::kernels {

/// Returns silu(gate) * up, of two tensors of one shape and dtype. The backward pass keeps both, but not
/// silu(gate), which it computes again. On a GPU each pass is one kernel.
at::Tensor gated_silu(const at::Tensor& gate, const at::Tensor& up);

}  // namespace ccexpert::kernels

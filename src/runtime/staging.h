// Asynchronous copies of tensors to a GPU.
#pragma once

#include <ATen/core/Tensor.h>

namespace ccexpert::runtime {

/// Copies `tensor` from the CPU to `device` without making the host wait for a GPU: from pinned memory and in
/// its own dtype, since only such copies are asynchronous.
inline at::Tensor staged(const at::Tensor& tensor, at::Device device) {
  return device.is_cuda() ? tensor.pin_memory().to(device, /*non_blocking=*/true) : tensor.to(device);
}

/// Copies `tensor` from the CPU into `target`, of the same shape and dtype, as `staged` does.
inline void stage_into(const at::Tensor& target, const at::Tensor& tensor) {
  target.copy_(target.is_cuda() ? tensor.pin_memory() : tensor, /*non_blocking=*/true);
}

}  // namespace ccexpert::runtime

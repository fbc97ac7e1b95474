// Tensors on their way to a GPU.
#pragma once

#include <ATen/core/Tensor.h>

namespace ccexpert {

/// `tensor`, which lies on the CPU, on `device`, without the host waiting for a GPU: from pinned memory and
/// in its own dtype, as only such copies are asynchronous.
inline at::Tensor staged(const at::Tensor& tensor, at::Device device) {
  return device.is_cuda() ? tensor.pin_memory().to(device, /*non_blocking=*/true) : tensor.to(device);
}

}  // namespace ccexpert

// Work of a GPU that is recorded once, and then repeated by one launch.
#pragma once

#include <functional>
#include <memory>

#include <c10/core/Device.h>

namespace ccexpert::runtime {

/// Work that reads and writes the same memory each time.
class RepeatableWork {
 public:
  virtual ~RepeatableWork() = default;
  /// Queues the work on the current stream.
  virtual void repeat() = 0;
};

/// True if this build can record work of the device.
bool can_record(at::Device device);

/// Runs `work` a few times and records it as a CUDA graph. `work` must not wait for the GPU, and all memory
/// that it reads or leaves a result in must stay in place; memory that it allocates belongs to the recording.
/// Throws an exception if the device, the driver or an operation refuses it.
std::unique_ptr<RepeatableWork> record(at::Device device, const std::function<void()>& work);

}  // namespace ccexpert::runtime

#include "runtime/recorded_work.h"

#include <ccexpert/core/error.h>

#ifdef CCEXPERT_HAS_CUDA
#include <mutex>

#include <ATen/cuda/CUDAGraph.h>
#include <c10/core/StreamGuard.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>

#include "runtime/recording_lock.h"
#endif

namespace ccexpert::runtime {

#ifdef CCEXPERT_HAS_CUDA
namespace {

/// The first call may try kernels, plan attention and allocate workspaces; no later one may.
constexpr int kTrials = 2;

class Graph : public RepeatableWork {
 public:
  Graph(at::Device device, const std::function<void()>& work)
      : device_(device), pool_(at::cuda::graph_pool_handle()) {
    // Other threads may neither record nor wait for the whole device meanwhile.
    const std::unique_lock lock(recording_lock());
    // A recording needs another stream than the default one, and workspaces belong to a stream.
    const c10::StreamGuard stream(c10::cuda::getStreamFromPool(false, device.index()).unwrap());
    c10::cuda::device_synchronize();
    for (int trial = 0; trial < kTrials; ++trial) work();
    c10::cuda::device_synchronize();
    capture(work);
    c10::cuda::device_synchronize();
  }

  void repeat() override { graph_.replay(); }

 private:
  void capture(const std::function<void()>& work) {
    graph_.capture_begin(pool_, cudaStreamCaptureModeThreadLocal);
    try {
      work();
      graph_.capture_end();
    } catch (...) {
      abandon();
      throw;
    }
  }

  /// Ends a recording that failed. The allocator would else go on as if it lasted.
  void abandon() noexcept {
    try {
      graph_.capture_end();
    } catch (const std::exception&) {
      try {
        c10::cuda::CUDACachingAllocator::endAllocateToPool(device_.index(), pool_);
        c10::cuda::CUDACachingAllocator::releasePool(device_.index(), pool_);
      } catch (const std::exception&) {
        return;  // the allocator has ended it already
      }
    }
  }

  const at::Device device_;
  const c10::MempoolId_t pool_;
  at::cuda::CUDAGraph graph_;
};

}  // namespace

bool can_record(at::Device device) {
  return device.is_cuda();
}

std::unique_ptr<RepeatableWork> record(at::Device device, const std::function<void()>& work) {
  return std::make_unique<Graph>(device, work);
}
#else
bool can_record(at::Device /*device*/) {
  return false;
}

std::unique_ptr<RepeatableWork> record(at::Device /*device*/, const std::function<void()>& /*work*/) {
  fail("a recording", "this build has no CUDA", "", ErrorKind::kInternal);
}
#endif

}  // namespace ccexpert::runtime

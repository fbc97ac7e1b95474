#include "serve/pixel_memory.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace ccexpert::serve {
namespace {

/// Interval at which a request that waits looks if it still should.
constexpr std::chrono::milliseconds kLook(50);

}  // namespace

struct PixelMemory::State {
  int64_t most = 0;
  std::mutex mutex;  ///< of `held`
  std::condition_variable freed;
  int64_t held = 0;

  bool fits(int64_t bytes) const { return held == 0 || held + bytes <= most; }
  void free(int64_t bytes) {
    const std::lock_guard lock(mutex);
    held -= bytes;
    freed.notify_all();
  }
};

PixelMemory::PixelMemory(int64_t most) : state_(std::make_shared<State>()) {
  state_->most = most;
}

PixelMemory::Share PixelMemory::take(int64_t bytes, const std::function<void()>& look) const {
  std::unique_lock lock(state_->mutex);
  while (!state_->freed.wait_for(lock, kLook, [&] { return state_->fits(bytes); })) {
    lock.unlock();
    look();
    lock.lock();
  }
  state_->held += bytes;
  lock.unlock();
  return {nullptr, [state = state_, bytes](void*) { state->free(bytes); }};
}

int64_t PixelMemory::held() const {
  const std::lock_guard lock(state_->mutex);
  return state_->held;
}

}  // namespace ccexpert::serve

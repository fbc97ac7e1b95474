// Memory of the decoded images of all requests.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

namespace ccexpert::serve {

/// Thread-safe. Requests wait for memory: an image of few bytes can have many pixels.
class PixelMemory {
 public:
  /// Bytes that are free again after the last copy is gone.
  using Share = std::shared_ptr<void>;

  /// `most`: bytes that all requests may hold at once.
  explicit PixelMemory(int64_t most);

  /// Returns a share of `bytes` as soon as they are free; one that is larger than the whole memory must be
  /// alone. `look` is called while it waits, and gives up by an exception.
  Share take(int64_t bytes, const std::function<void()>& look) const;
  int64_t held() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace ccexpert::serve

// Calls with a time limit, for work that may never return.
#pragma once

#include <chrono>
#include <functional>
#include <stop_token>

namespace ccexpert::distributed {

struct Patience {
  std::chrono::milliseconds timeout;
  std::stop_token stop = {};
  /// Extra time for `work` to end by itself after a stop or the timeout.
  std::chrono::milliseconds grace{0};
  /// Called once, on the caller's thread, if `work` still runs after two seconds.
  std::function<void()> notice = {};
};

enum class Ended { kDone, kLate, kStopped };

/// Runs `work` on its own thread and rethrows its exception. If it neither ends in time nor before a stop,
/// the thread is abandoned: `work` must own everything that it touches.
Ended within(const Patience& patience, std::function<void()> work);

}  // namespace ccexpert::distributed

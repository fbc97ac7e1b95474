// Calls that may never return, and how long they are waited for.
#pragma once

#include <chrono>
#include <functional>
#include <stop_token>

namespace ccexpert::distributed {

struct Patience {
  std::chrono::milliseconds timeout;
  std::stop_token stop = {};
  /// After a stop or the timeout, `work` may still end by itself for this long.
  std::chrono::milliseconds grace{0};
  /// Called once, on the caller's thread, if `work` still runs after two seconds.
  std::function<void()> notice = {};
};

enum class Ended { kDone, kLate, kStopped };

/// Runs `work` on a thread of its own and throws what it throws. Where it ends neither in time nor before a
/// stop, the thread is left to itself: everything that `work` touches must belong to it.
Ended within(const Patience& patience, std::function<void()> work);

}  // namespace ccexpert::distributed

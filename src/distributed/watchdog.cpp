#include "distributed/watchdog.h"

#include <algorithm>

namespace ccexpert::distributed {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr milliseconds kLongestPause(100);

/// A look that throws has failed.
Watchdog::State state_of(const std::function<Watchdog::State()>& look) {
  try {
    return look();
  } catch (const std::exception&) {
    return Watchdog::State::kFailed;
  }
}

}  // namespace

Watchdog::Watchdog(milliseconds timeout, std::function<void(const std::string&)> on_late)
    : timeout_(timeout),
      on_late_(std::move(on_late)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Watchdog::~Watchdog() {
  thread_.request_stop();
  changed_.notify_all();
}

void Watchdog::watch(std::string what, std::function<State()> look) {
  const std::lock_guard lock(mutex_);
  watched_.push_back({std::move(what), std::move(look), Clock::now() + timeout_});
}

void Watchdog::run(const std::stop_token& stop) {
  const auto pause = std::clamp(timeout_ / 20, milliseconds(1), kLongestPause);
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    while (!watched_.empty()) {
      const auto state = state_of(watched_.front().look);
      if (state == State::kRunning && Clock::now() < watched_.front().deadline) break;
      const auto what = watched_.front().what;
      watched_.pop_front();
      if (state == State::kDone) continue;
      lock.unlock();
      on_late_(what);
      return;
    }
    changed_.wait_for(lock, stop, pause, [] { return false; });
  }
}

}  // namespace ccexpert::distributed

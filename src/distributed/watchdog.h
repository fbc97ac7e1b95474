// Detects a collective that hangs although waiting for it throws nothing: on a GPU, where the host only
// queues work, and on any device after a stop request or if a rank is gone.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

namespace ccexpert::distributed {

class Watchdog {
 public:
  enum class State { kRunning, kDone, kFailed };

  struct Limits {
    /// Limit from a collective's start; nothing: no limit.
    std::optional<std::chrono::milliseconds> timeout = {};
    /// After a stop, the limit counts from the end of the previous collective, so that a long step can
    /// finish.
    std::stop_token stop = {};
    std::chrono::milliseconds stop_timeout{0};
    /// Limit after which `hopeless` is called without a stop too; nothing: never.
    std::optional<std::chrono::milliseconds> life_timeout = {};
    /// Called after one of these two limits, on the watchdog's thread. True if the collective cannot end;
    /// otherwise the limit starts again.
    std::function<bool()> hopeless = [] { return true; };
  };

  /// Calls `on_late(what, why)` once, on the watchdog's thread, for the first collective that fails or
  /// exceeds a limit.
  using OnLate = std::function<void(const std::string& what, const std::string& why)>;
  Watchdog(Limits limits, OnLate on_late);
  /// Waits for a running `on_late`.
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// Polls `look` on the watchdog's thread until it no longer returns kRunning.
  void watch(std::string what, std::function<State()> look);

 private:
  struct Watched {
    std::string what;
    std::function<State()> look;
    std::chrono::steady_clock::time_point start;
  };

  void run(const std::stop_token& stop);
  /// Returns why the first collective must be given up, or "".
  std::string verdict(State state) const;
  /// Returns the limit that the first collective exceeds unless it cannot end, or "".
  std::string suspicion() const;
  /// Removes and returns the first collective's name.
  std::string take_first();

  const Limits limits_;
  const OnLate on_late_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Watched> watched_;                  // in start order, which is also the order of completion
  std::chrono::steady_clock::time_point asked_;  ///< time of the last call of `hopeless`
  std::chrono::steady_clock::time_point
      progress_;         ///< time of the stop, or of the last completed collective after it
  std::jthread thread_;  // last member: stops before what it uses is destroyed
};

}  // namespace ccexpert::distributed

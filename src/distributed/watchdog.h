// Finds a collective that does not end where waiting for it throws nothing: on a GPU, where the host only
// queues; and on any device after a stop was requested.
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
    /// From a collective's start; nothing: no limit.
    std::optional<std::chrono::milliseconds> timeout = {};
    /// After a stop, from the end of the collective before: a long step under way may end.
    std::stop_token stop = {};
    std::chrono::milliseconds stop_timeout{0};
    /// Asked then, on the watchdog's thread: whether the collective cannot end. Else it has that time again.
    std::function<bool()> hopeless = [] { return true; };
  };

  /// `on_late(what, why)` is called once, on a thread of the watchdog's, for the first collective that fails
  /// or is not done within the limits.
  using OnLate = std::function<void(const std::string& what, const std::string& why)>;
  Watchdog(Limits limits, OnLate on_late);
  /// Waits for an `on_late` under way.
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  /// `look` is called now and then, on the watchdog's thread, until it no longer says kRunning.
  void watch(std::string what, std::function<State()> look);

 private:
  struct Watched {
    std::string what;
    std::function<State()> look;
    std::chrono::steady_clock::time_point start;
  };

  void run(const std::stop_token& stop);
  /// Why the first collective is one to be given up, or "".
  std::string verdict(State state) const;
  bool is_late_after_stop() const;
  /// Forgets the first collective.
  std::string take_first();

  const Limits limits_;
  const OnLate on_late_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Watched> watched_;  // in the order that they were started, which is the one they end in
  std::chrono::steady_clock::time_point progress_;  ///< the stop, or the last end of a collective after it
  std::jthread thread_;                             // last: it ends before what it uses
};

}  // namespace ccexpert::distributed

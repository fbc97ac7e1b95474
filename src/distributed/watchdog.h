// Finds a collective that does not end where waiting for it throws nothing: on a GPU, where the host only
// queues.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace ccexpert::distributed {

class Watchdog {
 public:
  enum class State { kRunning, kDone, kFailed };

  /// `on_late(what)` is called once, on a thread of the watchdog's, for the first collective that fails or is
  /// not done within `timeout`.
  Watchdog(std::chrono::milliseconds timeout, std::function<void(const std::string&)> on_late);
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
    std::chrono::steady_clock::time_point deadline;
  };

  void run(const std::stop_token& stop);

  const std::chrono::milliseconds timeout_;
  const std::function<void(const std::string&)> on_late_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Watched> watched_;  // in the order that they were started, which is the one they end in
  std::jthread thread_;          // last: it ends before what it uses
};

}  // namespace ccexpert::distributed

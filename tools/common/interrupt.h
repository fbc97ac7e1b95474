// Conversion of SIGINT and SIGTERM to stop requests.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

namespace ccexpert::tools {

/// Maximum time from a signal to the end of a command. Output files are complete at any time, so the process
/// may end at any point.
constexpr std::chrono::seconds kStopDeadline(3);

/// Turns SIGINT and SIGTERM into a stop request. The process ends immediately on a SIGINT after the first
/// signal, and if it has not stopped within `deadline` after the first signal, for example because it waits
/// in a decoder or for a pipe. `set_deadline` starts another deadline. A second SIGTERM is ignored:
/// schedulers send it to all processes of a job, and these pass it on to each other. Construct it before any
/// other thread starts: threads inherit the blocked signals.
class Interrupt {
 public:
  using Milliseconds = std::chrono::milliseconds;

  /// Use no deadline for a command that must save its state first.
  explicit Interrupt(std::optional<Milliseconds> deadline = std::nullopt);
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token token() const { return source_.get_token(); }
  /// Returns the received signal, or 0.
  int signal() const { return signal_; }

  /// Replaces the deadline. The time counts from this call or from the first signal, whichever is later.
  void set_deadline(std::optional<Milliseconds> deadline);

 private:
  using Clock = std::chrono::steady_clock;

  void watch();
  void receive(int signal);
  int next_signal() const;
  bool is_late() const;

  mutable std::mutex mutex_;  ///< of the two members below
  std::optional<Milliseconds> deadline_;
  Clock::time_point set_;
  Clock::time_point first_;
  std::stop_source source_;
  std::atomic<int> signal_ = 0;
  std::atomic<bool> closing_ = false;
  std::thread watcher_;
};

}  // namespace ccexpert::tools

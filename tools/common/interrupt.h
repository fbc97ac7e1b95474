// Ctrl-C and kill, as a request to stop.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <stop_token>
#include <thread>

namespace ccexpert::tools {

/// How long a command that a signal asked to stop may take to do so. All that it writes is whole at any time,
/// so that the process may end wherever it is.
constexpr std::chrono::seconds kStopDeadline(3);

/// From its construction on, SIGINT and SIGTERM request a stop. The process ends at once on a SIGINT after
/// the first signal, and if it has not stopped `deadline` after the first signal: it may be waiting in a
/// decoder or for a pipe. A second SIGTERM does nothing: schedulers send it to all processes of a job, and
/// these pass it on to one another. Construct it before any other thread starts: threads inherit that these
/// signals are not delivered to them.
class Interrupt {
 public:
  /// Without a deadline, for a command that has a state to save first.
  explicit Interrupt(std::optional<std::chrono::seconds> deadline = std::nullopt);
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token token() const { return source_.get_token(); }
  /// The signal that came, or 0.
  int signal() const { return signal_; }

 private:
  using Clock = std::chrono::steady_clock;

  void watch();
  void receive(int signal);
  int next_signal() const;

  std::optional<std::chrono::seconds> deadline_;
  Clock::time_point first_;
  std::stop_source source_;
  std::atomic<int> signal_ = 0;
  std::atomic<bool> closing_ = false;
  std::thread watcher_;
};

}  // namespace ccexpert::tools

// Ctrl-C and kill, as a request to stop.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace ccexpert::tools {

/// From its construction on, SIGINT and SIGTERM request a stop, and a SIGINT after it ends the process at
/// once. SIGTERM never does: schedulers send it to all processes of a job, and these pass it on to one
/// another. Make it before any other thread starts: threads inherit that these signals are not delivered to
/// them.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  std::stop_token token() const { return source_.get_token(); }
  /// The signal that came, or 0.
  int signal() const { return signal_; }

 private:
  void watch();

  std::stop_source source_;
  std::atomic<int> signal_ = 0;
  std::atomic<bool> closing_ = false;
  std::thread watcher_;
};

}  // namespace ccexpert::tools

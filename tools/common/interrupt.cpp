#include "common/interrupt.h"

#include <algorithm>
#include <cerrno>
#include <csignal>

#include <unistd.h>

#include "common/exit_code.h"

namespace ccexpert::tools {
namespace {

/// One Ctrl-C may arrive twice, from the terminal and from a parent that also received it.
constexpr std::chrono::milliseconds kEcho(200);

/// Signal that wakes the watcher at the end and that no other process sends.
int wake_signal() {
  return SIGRTMAX;
}

sigset_t watched_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, wake_signal());
  return signals;
}

}  // namespace

Interrupt::Interrupt(std::optional<std::chrono::seconds> deadline) : deadline_(deadline) {
  const sigset_t signals = watched_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  watcher_ = std::thread([this] { watch(); });
}

Interrupt::~Interrupt() {
  closing_ = true;
  pthread_kill(watcher_.native_handle(), wake_signal());
  watcher_.join();
}

/// Returns the next signal, or 0 if the deadline passed first.
int Interrupt::next_signal() const {
  const sigset_t signals = watched_signals();
  int received = 0;
  if (signal_ == 0 || !deadline_) {
    while (sigwait(&signals, &received) != 0) continue;
    return received;
  }
  const auto left = std::max(Clock::duration::zero(), first_ + Clock::duration(*deadline_) - Clock::now());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  const timespec wait{.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(left - seconds).count()};
  while ((received = sigtimedwait(&signals, nullptr, &wait)) < 0 && errno == EINTR) continue;
  return std::max(received, 0);
}

void Interrupt::receive(int signal) {
  if (signal_ == 0) {
    first_ = Clock::now();
    signal_ = signal;
    source_.request_stop();
  } else if (signal == SIGINT && Clock::now() - first_ > kEcho) {
    _exit(kSignalBase + signal);
  }
}

void Interrupt::watch() {
  while (true) {
    const int received = next_signal();
    if (closing_) return;
    if (received == 0) _exit(kSignalBase + signal_);
    if (received != wake_signal()) receive(received);
  }
}

}  // namespace ccexpert::tools

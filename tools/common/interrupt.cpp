#include "common/interrupt.h"

#include <algorithm>
#include <csignal>

#include <unistd.h>

#include "common/exit_code.h"

namespace ccexpert::tools {
namespace {

/// One Ctrl-C may arrive twice, from the terminal and from a parent that also received it.
constexpr std::chrono::milliseconds kEcho(200);
/// Interval at which the deadline is checked after the first signal.
constexpr std::chrono::milliseconds kPoll(50);

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

Interrupt::Interrupt(std::optional<Milliseconds> deadline) : deadline_(deadline) {
  const sigset_t signals = watched_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  watcher_ = std::thread([this] { watch(); });
}

Interrupt::~Interrupt() {
  closing_ = true;
  pthread_kill(watcher_.native_handle(), wake_signal());
  watcher_.join();
}

void Interrupt::set_deadline(std::optional<Milliseconds> deadline) {
  const std::lock_guard lock(mutex_);
  deadline_ = deadline;
  set_ = Clock::now();
}

bool Interrupt::is_late() const {
  const std::lock_guard lock(mutex_);
  return signal_ != 0 && deadline_ && Clock::now() >= std::max(first_, set_) + *deadline_;
}

/// Returns the next signal. After the first one, returns 0 if none comes for a short time.
int Interrupt::next_signal() const {
  const sigset_t signals = watched_signals();
  int received = 0;
  if (signal_ == 0) {
    while (sigwait(&signals, &received) != 0) continue;
    return received;
  }
  const timespec wait{.tv_sec = 0, .tv_nsec = std::chrono::nanoseconds(kPoll).count()};
  return std::max(sigtimedwait(&signals, nullptr, &wait), 0);
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
    if (received != 0 && received != wake_signal()) receive(received);
    if (is_late()) _exit(kSignalBase + signal_);
  }
}

}  // namespace ccexpert::tools

#include "common/interrupt.h"

#include <chrono>
#include <csignal>

#include <unistd.h>

#include "common/exit_code.h"

namespace ccexpert::tools {
namespace {

/// One Ctrl-C may arrive by several ways, from the terminal and from a parent that got it too.
constexpr std::chrono::milliseconds kEcho(200);

/// Wakes the watcher at the end: a signal that nobody else sends.
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

Interrupt::Interrupt() {
  const sigset_t signals = watched_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  watcher_ = std::thread([this] { watch(); });
}

Interrupt::~Interrupt() {
  closing_ = true;
  pthread_kill(watcher_.native_handle(), wake_signal());
  watcher_.join();
}

void Interrupt::watch() {
  const sigset_t signals = watched_signals();
  std::chrono::steady_clock::time_point first;
  for (int received = 0; sigwait(&signals, &received) == 0;) {
    if (closing_) return;
    if (received == wake_signal()) continue;
    if (signal_ == 0) {
      first = std::chrono::steady_clock::now();
      signal_ = received;
      source_.request_stop();
    } else if (received == SIGINT && std::chrono::steady_clock::now() - first > kEcho) {
      _exit(kSignalBase + received);
    }
  }
}

}  // namespace ccexpert::tools

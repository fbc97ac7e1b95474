#include "common/interrupt.h"

#include <csignal>

#include <unistd.h>

#include "common/exit_code.h"

namespace ccexpert::tools {
namespace {

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
  for (int received = 0; sigwait(&signals, &received) == 0;) {
    if (closing_) return;
    if (received == wake_signal()) continue;
    if (signal_ != 0) _exit(kSignalBase + received);
    signal_ = received;
    source_.request_stop();
  }
}

}  // namespace ccexpert::tools

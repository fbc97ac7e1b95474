#include "common/interrupt.h"

#include <csignal>

#include <unistd.h>

#include "common/exit_code.h"

namespace ccexpert::tools {
namespace {

sigset_t watched_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
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
  // The watcher alone waits for this signal: it wakes and is not ended by it.
  pthread_kill(watcher_.native_handle(), SIGTERM);  // NOLINT(bugprone-bad-signal-to-kill-thread)
  watcher_.join();
}

void Interrupt::watch() {
  const sigset_t signals = watched_signals();
  for (int received = 0; sigwait(&signals, &received) == 0;) {
    if (closing_) return;
    if (signal_ != 0) _exit(kSignalBase + received);
    signal_ = received;
    source_.request_stop();
  }
}

}  // namespace ccexpert::tools

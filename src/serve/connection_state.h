// States of connections, which the server looks at.
#pragma once

#include <atomic>
#include <cstdint>

#include "serve/http.h"

namespace ccexpert::serve {

/// Work of a connection, for the choice of one to close.
enum class Phase {
  kIdle,     ///< waits for a request
  kHeader,   ///< reads a header
  kBody,     ///< reads a body
  kBusy,     ///< computes an answer
  kWriting,  ///< sends an answer
};

/// Phase of a connection that others see, with its start. Thread-safe: both are one value.
class ConnectionState {
 public:
  struct Seen {
    Phase phase;
    Clock::time_point since;
  };

  ConnectionState() { set(Phase::kIdle); }
  void set(Phase phase) {
    const auto since = Clock::now().time_since_epoch().count();
    value_ = since * kPhases + static_cast<Clock::rep>(phase);
  }
  Seen seen() const {
    const Clock::rep value = value_;
    return {static_cast<Phase>(value % kPhases), Clock::time_point(Clock::duration(value / kPhases))};
  }

 private:
  static constexpr Clock::rep kPhases = 8;  ///< at least their number
  std::atomic<Clock::rep> value_;
};

/// Phase in which a connection waits for its client. It starts anew with every kProgress bytes: a client that
/// moves them is not slow.
class Progress {
 public:
  Progress(ConnectionState& state, Phase phase) : state_(state), phase_(phase) { state_.set(phase_); }

  void add(size_t bytes) {
    bytes_ += bytes;
    if (bytes_ < kProgress) return;
    bytes_ = 0;
    state_.set(phase_);
  }

 private:
  static constexpr size_t kProgress = size_t{64} << 10;
  ConnectionState& state_;
  Phase phase_;
  size_t bytes_ = 0;
};

/// State of the server that connections share.
struct ServerState {
  std::atomic<bool> draining = false;  ///< connections end after their request
  std::atomic<bool> stopping = false;  ///< requests are given up
  std::atomic<int64_t> bodies = 0;     ///< bytes of bodies in memory
  std::atomic<uint64_t> requests = 0;  ///< for ids
};

}  // namespace ccexpert::serve

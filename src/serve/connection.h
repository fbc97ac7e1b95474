// Requests and answers of one connection.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "serve/byte_stream.h"
#include "serve/shared/server_config.h"
#include "serve/site.h"

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

/// State of the server that connections share.
struct ServerState {
  std::atomic<bool> draining = false;  ///< connections end after their request
  std::atomic<bool> stopping = false;  ///< requests are given up
  std::atomic<int64_t> bodies = 0;     ///< bytes of bodies in memory
  std::atomic<uint64_t> requests = 0;  ///< for ids
};

struct ConnectionParts {
  ByteStream& stream;
  int descriptor;
  std::string peer;
  const ServerLimits& limits;
  Site& site;
  ServerState& server;
  ConnectionState& state;
};

/// Answers the requests of a connection until one side ends it.
void serve_connection(const ConnectionParts& parts);

}  // namespace ccexpert::serve

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

/// State of a connection that others see.
struct ConnectionState {
  std::atomic<Phase> phase = Phase::kIdle;
  std::atomic<Clock::rep> since = Clock::now().time_since_epoch().count();  ///< start of the phase

  void set(Phase next) {
    phase = next;
    since = Clock::now().time_since_epoch().count();
  }
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

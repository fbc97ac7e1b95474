// Requests and answers of one connection.
#pragma once

#include <string>

#include "serve/byte_stream.h"
#include "serve/connection_state.h"
#include "serve/shared/server_config.h"
#include "serve/site.h"

namespace ccexpert::serve {

struct ConnectionParts {
  ByteStream& stream;
  int descriptor;
  std::string peer;
  const ServerLimits& limits;
  Site& site;
  ServerState& server;
  ConnectionState& state;
};

/// Returns the id of a request whose client gave none.
std::string new_id(ServerState& server);

/// Answers the requests of a connection until one side ends it.
void serve_connection(const ConnectionParts& parts);

}  // namespace ccexpert::serve

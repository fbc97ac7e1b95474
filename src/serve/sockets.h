// Sockets of a server.
#pragma once

#include <string>
#include <vector>

#include "serve/shared/server_config.h"

namespace ccexpert::serve {

/// Returns the sockets of the config that listen already, or those of all addresses of its host. They do not
/// block. Throws Error, naming the address, if the system refuses.
std::vector<int> listening_sockets(const ServerConfig& config);

/// Returns the port of a socket, or 0.
int port_of(int socket);

/// Accepts a connection, which does not block; `peer` becomes its address. Returns -1 with errno.
int accepted(int socket, std::string& peer);

}  // namespace ccexpert::serve

// Sockets of a server.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <netdb.h>

#include "serve/shared/server_config.h"

namespace ccexpert::serve {

/// Returns the sockets of the config that listen already, or those of all addresses of its host. They do not
/// block. Throws Error, naming the address, if the system refuses.
std::vector<int> listening_sockets(const ServerConfig& config);

/// Returns a socket that listens at each of these addresses that this machine has; the first one alone if
/// `single`. Throws Error, naming `name`, if there is none or if the system refuses one for another reason.
std::vector<int> bound_sockets(const addrinfo& addresses, bool single, const std::string& name);

/// Raises the number of files that this process may open to `wanted`, or as far as the system allows. Returns
/// the number.
int64_t raise_open_files(int64_t wanted);

/// Returns the port of a socket, or 0.
int port_of(int socket);

/// Accepts a connection, which does not block; `peer` becomes its address. Returns -1 with errno.
int accepted(int socket, sockaddr_storage& peer);

/// Returns the address without its port, or "local" for a socket of this machine.
std::string text_of(const sockaddr_storage& address);

}  // namespace ccexpert::serve

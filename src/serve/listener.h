// Sockets that listen, and a thread for each of their connections.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "serve/connection.h"
#include "serve/shared/server_config.h"
#include "serve/site.h"
#include "serve/tls.h"

namespace ccexpert::serve {

class Listener {
 public:
  /// Binds the address. Throws Error if the system refuses it. `tls`: null for no encryption.
  Listener(const ServerConfig& config, Site& site, std::unique_ptr<Tls> tls);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Returns the port of the first socket; 0 for a socket without one.
  int port() const;
  /// Accepts connections from now on.
  void start();
  bool is_draining() const;
  int64_t connections() const;

  /// Refuses new connections, and waits for the requests that were begun; after `limit`, gives them up.
  /// Returns true if none was left.
  bool drain(std::chrono::milliseconds limit);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ccexpert::serve

// Server of captions over HTTP.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include <ccexpert/captioner.h>

#include "generate/shared/service_limits.h"
#include "serve/shared/maps.h"
#include "serve/shared/request_limits.h"
#include "serve/shared/server_config.h"

namespace ccexpert::serve {

class App;

/// Server that answers from `start` on, and captions from `take` on. Thread-safe after the constructor.
class Server {
 public:
  /// Binds the address and reads keys and certificate. Throws Error if one of them does not fit. `version`:
  /// that of the program, for clients.
  Server(const ServerConfig& config, const RequestLimits& limits, const std::string& version);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Lets clients make maps; before `start`. Throws Error unless the maker's root is a folder.
  void allow_maps(MapMaker maker);
  void start();
  int port() const;
  /// Gives the server its model. `name`: for clients.
  void take(Captioner captioner, const std::string& name, const generate::ServiceLimits& limits);
  /// Reads API keys and certificate again, and reopens the access log. Throws Error if one does not fit; then
  /// the old one is used.
  void reload();
  /// Ends the server; requests that were begun have `limit`. Returns true if all of them were answered.
  bool drain(std::chrono::milliseconds limit);

 private:
  std::unique_ptr<App> app_;
};

}  // namespace ccexpert::serve

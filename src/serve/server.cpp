#include "serve/shared/server.h"

#include <utility>

#include "serve/app.h"
#include "serve/served_captions.h"

namespace ccexpert::serve {

Server::Server(const ServerConfig& config, const RequestLimits& limits, const std::string& version)
    : app_(std::make_unique<App>(config, limits, version)) {}
Server::~Server() = default;

void Server::allow_maps(MapMaker maker) {
  app_->allow_maps(std::move(maker));
}
void Server::start() {
  app_->start();
}
int Server::port() const {
  return app_->port();
}

void Server::take(Captioner captioner, const std::string& name, const generate::ServiceLimits& limits) {
  app_->take(served_captions(std::move(captioner), name, limits));
}

void Server::reload() {
  app_->reload();
}
bool Server::drain(std::chrono::milliseconds limit) {
  return app_->drain(limit);
}

}  // namespace ccexpert::serve

#include "serve/shared/server.h"

#include <utility>

#include "serve/app.h"
#include "serve/served_captions.h"

namespace ccexpert::serve {

struct Server::Parts {
  App app;
};

Server::Server(const ServerConfig& config, const RequestLimits& limits, const std::string& version)
    : parts_(new Parts{.app = App(config, limits, version)}) {}
Server::~Server() = default;

void Server::allow_maps(MapMaker maker) {
  parts_->app.allow_maps(std::move(maker));
}
void Server::start() {
  parts_->app.start();
}
int Server::port() const {
  return parts_->app.port();
}

void Server::take(Captioner captioner, const std::string& name, const generate::ServiceLimits& limits) {
  parts_->app.take(served_captions(std::move(captioner), name, limits));
}

void Server::reload() {
  parts_->app.reload();
}
bool Server::drain(std::chrono::milliseconds limit) {
  return parts_->app.drain(limit);
}

}  // namespace ccexpert::serve

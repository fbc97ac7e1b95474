#include "serve/shared/server.h"

#include <ctime>
#include <utility>

#include "serve/app.h"
#include "serve/queued_captions.h"

namespace ccexpert::serve {

struct Server::Parts {
  App app;
};

Server::Server(const ServerConfig& config, const RequestLimits& limits, const std::string& version)
    : parts_(new Parts{.app = App(config, limits, version)}) {}
Server::~Server() = default;

void Server::start() {
  parts_->app.start();
}
int Server::port() const {
  return parts_->app.port();
}

void Server::take(Captioner captioner, const std::string& name, int64_t queued) {
  ModelFacts facts{.name = name,
                   .description = captioner.description(),
                   .engine = captioner.engine(),
                   .question = captioner.question(),
                   .calibrated = captioner.calibrated(),
                   .change_threshold = captioner.change_threshold(),
                   .created = static_cast<int64_t>(std::time(nullptr))};
  parts_->app.take(queued_captions(std::move(captioner), std::move(facts), queued));
}

void Server::reload() {
  parts_->app.reload();
}
bool Server::drain(std::chrono::milliseconds limit) {
  return parts_->app.drain(limit);
}

}  // namespace ccexpert::serve

#include "serve/app.h"

#include <exception>
#include <utility>

#include <fmt/format.h>

namespace ccexpert::serve {

App::App(const ServerConfig& config, const RequestLimits& limits, const std::string& version)
    : limits_(limits),
      version_(version),
      metrics_(version),
      pixels_(limits.max_decoded),
      site_(config, metrics_) {
  add_status_routes(site_, *this);
  add_caption_routes(site_, *this);
  add_chat_routes(site_, *this);
  add_page_routes(site_);
  add_mcp_routes(site_, *this);
  std::unique_ptr<Tls> tls;
  if (!config.certificate.empty()) tls = std::make_unique<Tls>(config.certificate, config.private_key);
  tls_ = tls.get();
  listener_ = std::make_unique<Listener>(config, site_, std::move(tls));
}
App::~App() = default;

void App::take(std::unique_ptr<Captions> captions) {
  const std::lock_guard lock(mutex_);
  captions_ = std::move(captions);
}

void App::reload() {
  // A file that does not fit must not keep the others from being read.
  std::exception_ptr first;
  const auto attempt = [&first](const auto& step) {
    try {
      step();
    } catch (...) {
      if (!first) first = std::current_exception();
    }
  };
  attempt([this] { site_.reload_keys(); });
  attempt([this] { site_.reopen_log(); });
  attempt([this] {
    if (tls_ != nullptr) tls_->reload();
  });
  if (first) std::rethrow_exception(first);
}

bool App::drain(std::chrono::milliseconds limit) {
  const bool done = listener_->drain(limit);
  if (const auto captions = captions_if_ready()) captions->drain({});
  return done;
}

std::shared_ptr<Captions> App::captions_if_ready() const {
  const std::lock_guard lock(mutex_);
  return captions_;
}

std::shared_ptr<Captions> App::captions() const {
  if (auto captions = captions_if_ready()) return captions;
  throw HttpError(503, "the model is being loaded (try again in a few seconds)", "loading");
}

Asking App::begin(const Request& request, Exchange& exchange, const std::function<AskedCaption&()>& read) {
  Asking asking{captions(), metrics_, exchange};
  auto& asked = read();
  expect_model(asked.model, asking.captions->facts());
  complete_job(asked.job, request, limits_, *asking.captions);
  load_pair(asking, asked, {limits_.max_pixels, pixels_});
  return asking;
}

void expect_model(const std::string& model, const ModelFacts& facts) {
  if (model.empty() || model == facts.name) return;
  throw HttpError(404, fmt::format("model: expected {}, got {}", facts.name, model), "model_not_found");
}

}  // namespace ccexpert::serve

// Server of captions: routes over a model.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "serve/captions.h"
#include "serve/listener.h"
#include "serve/map_tool.h"
#include "serve/metrics.h"
#include "serve/pair_loading.h"
#include "serve/shared/request_limits.h"
#include "serve/site.h"

namespace ccexpert::serve {

/// Server without its model's kind. Thread-safe after the constructor.
class App {
 public:
  /// Binds the address; `start` answers. Throws Error for wrong settings.
  App(const ServerConfig& config, const RequestLimits& limits, const std::string& version);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  /// Adds a route beside those of the program; before `start`.
  void add(Route route) { site_.add(std::move(route)); }
  /// Lets clients make maps; before `start`. Throws Error unless the maker's root is a folder.
  void allow_maps(MapMaker maker) { maps_ = std::make_unique<MapTool>(std::move(maker)); }
  void start() { listener_->start(); }
  int port() const { return listener_->port(); }
  bool is_draining() const { return listener_->is_draining(); }
  /// Answers requests for captions from now on.
  void take(std::unique_ptr<Captions> captions);
  /// Reads API keys and certificate again, and reopens the access log: all of them, and then throws the Error
  /// of the first one that does not fit.
  void reload();
  /// Ends the server; requests that were begun have `limit`. Returns true if all of them were answered.
  bool drain(std::chrono::milliseconds limit);

  /// Returns the model. Throws HttpError 503 while it loads.
  std::shared_ptr<Captions> captions() const;
  /// Begins the answer to a request for a caption: reads it by `read`, checks it, and decodes its images.
  /// Throws HttpError 503 while the model loads, and the errors of its steps.
  Asking begin(const Request& request, Exchange& exchange, const std::function<AskedCaption&()>& read);
  /// Returns the model, or null while it loads.
  std::shared_ptr<Captions> captions_if_ready() const;
  const RequestLimits& limits() const { return limits_; }
  const std::string& version() const { return version_; }
  const PixelMemory& pixels() const { return pixels_; }
  Metrics& metrics() { return metrics_; }
  /// Returns the tool that makes maps, or null if there is none.
  MapTool* maps() { return maps_.get(); }

 private:
  RequestLimits limits_;
  std::string version_;
  Metrics metrics_;
  PixelMemory pixels_;
  Site site_;
  Tls* tls_ = nullptr;        ///< the listener's
  mutable std::mutex mutex_;  ///< of `captions_`
  std::shared_ptr<Captions> captions_;
  std::unique_ptr<MapTool> maps_;
  std::unique_ptr<Listener> listener_;
};

/// Throws HttpError 404 unless `model` is empty or the name of the model.
void expect_model(const std::string& model, const ModelFacts& facts);

void add_status_routes(Site& site, App& app);   ///< /healthz, /readyz, /metrics
void add_caption_routes(Site& site, App& app);  ///< /v1/captions
void add_chat_routes(Site& site, App& app);     ///< /v1/chat/completions, /v1/models
void add_page_routes(Site& site);               ///< /, /docs, /openapi.json and their files
void add_mcp_routes(Site& site, App& app);      ///< /mcp

}  // namespace ccexpert::serve

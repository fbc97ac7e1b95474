#include <nlohmann/json.hpp>

#include "serve/app.h"

namespace ccexpert::serve {
namespace {

using Json = nlohmann::ordered_json;

Reply readiness(const App& app) {
  if (app.is_draining()) return json_reply({{"status", "ending"}}, 503);
  const auto captions = app.captions_if_ready();
  if (!captions) return json_reply({{"status", "loading"}}, 503);
  const auto counts = captions->counts();
  return json_reply({{"status", "ready"},
                     {"model", captions->facts().name},
                     {"waiting", counts.waiting},
                     {"running", counts.running}});
}

Reply metrics(App& app) {
  if (const auto captions = app.captions_if_ready()) {
    const auto counts = captions->counts();
    app.metrics().set_captions(counts.waiting, counts.running);
  }
  return {.type = "text/plain; version=0.0.4; charset=utf-8", .body = app.metrics().text()};
}

}  // namespace

void add_status_routes(Site& site, App& app) {
  site.add({.method = "GET",
            .path = "/healthz",
            .handler =
                [&app](const Request&, Exchange&) {
                  return json_reply({{"status", "ok"}, {"version", app.version()}});
                },
            .open = true});
  site.add({.method = "GET",
            .path = "/readyz",
            .handler = [&app](const Request&, Exchange&) { return readiness(app); },
            .open = true});
  site.add({.method = "GET", .path = "/metrics", .handler = [&app](const Request&, Exchange&) {
              return metrics(app);
            }});
}

}  // namespace ccexpert::serve

// The page, the documents and their files. All of it works without a network.
#include <fmt/format.h>

#include "page/html.h"
#include "page/page.h"
#include "serve/app.h"
#include "serve/assets.h"

namespace ccexpert::serve {
namespace {

/// A page may load only what this server sends.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src "
    "'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

std::string asset(std::string_view name) {
  for (const auto& each : assets()) {
    if (each.name == name) return std::string(each.text);
  }
  fail(name, "is not an embedded file", "", ErrorKind::kInternal);
}

Reply file(std::string_view type, std::string body) {
  return {.type = std::string(type),
          .body = std::move(body),
          .headers = {{"Cache-Control", "no-cache"},
                      {"Content-Security-Policy", kPolicy},
                      {"Referrer-Policy", "no-referrer"}}};
}

void add_file(Site& site, const char* path, const char* type, const char* name) {
  site.add({.method = "GET",
            .path = path,
            .handler = [type, name](const Request&, Exchange&) { return file(type, asset(name)); },
            .open = true});
}

/// Adds a script of the room of pages.
void add_page_script(Site& site, const char* path, const char* name) {
  site.add({.method = "GET",
            .path = path,
            .handler =
                [name](const Request&, Exchange&) {
                  return file("text/javascript; charset=utf-8", std::string(page::asset(name)));
                },
            .open = true});
}

}  // namespace

void add_page_routes(Site& site, App& /*app*/) {
  constexpr const char* kHtml = "text/html; charset=utf-8";
  constexpr const char* kScript = "text/javascript; charset=utf-8";
  add_file(site, "/", kHtml, "index.html");
  add_file(site, "/serve.js", kScript, "serve.js");
  add_file(site, "/history.js", kScript, "history.js");
  add_file(site, "/samples.js", kScript, "samples.js");
  add_file(site, "/docs", kHtml, "docs.html");
  add_file(site, "/docs.js", kScript, "docs.js");
  add_file(site, "/openapi.json", "application/json", "openapi.json");
  site.add({.method = "GET",
            .path = "/style.css",
            .handler =
                [](const Request&, Exchange&) {
                  const auto style =
                      std::string(page::asset("page.css")) + std::string(page::asset("report.css"));
                  return file("text/css; charset=utf-8", style + asset("serve.css"));
                },
            .open = true});
  add_page_script(site, "/shared.js", "elements.js");
  add_page_script(site, "/viewer.js", "viewer.js");
}

}  // namespace ccexpert::serve

// The page, the documents and their files. All of it works without a network.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

/// Returns the text of a file of this room.
std::string_view asset(std::string_view name) {
  for (const auto& each : assets()) {
    if (each.name == name) return each.text;
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

/// Adds a file of these texts, one after another.
void add_file(Site& site, const char* path, const char* type, std::vector<std::string_view> texts) {
  site.add({.method = "GET",
            .path = path,
            .handler =
                [type, texts = std::move(texts)](const Request&, Exchange&) {
                  std::string body;
                  for (const auto text : texts) body += text;
                  return file(type, std::move(body));
                },
            .open = true});
}

}  // namespace

void add_page_routes(Site& site) {
  constexpr const char* kHtml = "text/html; charset=utf-8";
  constexpr const char* kScript = "text/javascript; charset=utf-8";
  constexpr const char* kStyle = "text/css; charset=utf-8";
  add_file(site, "/", kHtml, {asset("index.html")});
  add_file(site, "/serve.js", kScript, {asset("serve.js")});
  add_file(site, "/history.js", kScript, {asset("history.js")});
  add_file(site, "/samples.js", kScript, {asset("samples.js")});
  add_file(site, "/docs", kHtml, {asset("docs.html")});
  add_file(site, "/docs.js", kScript, {asset("docs.js")});
  add_file(site, "/openapi.json", "application/json", {asset("openapi.json")});
  add_file(site, "/style.css", kStyle,
           {page::asset("page.css"), page::asset("report.css"), asset("serve.css")});
  // Scripts of the room of pages.
  add_file(site, "/shared.js", kScript, {page::asset("elements.js")});
  add_file(site, "/viewer.js", kScript, {page::asset("viewer.js")});
}

}  // namespace ccexpert::serve

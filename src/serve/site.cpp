#include "serve/site.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "serve/shared/this_machine.h"

namespace ccexpert::serve {
namespace {

/// Seconds after which a client may come again that was refused for a reason that passes.
constexpr const char* kRetryAfter = "1";

bool matches(const Route& route, std::string_view path) {
  const std::string_view pattern = route.path;
  if (pattern.ends_with('*')) return path.starts_with(pattern.substr(0, pattern.size() - 1));
  return path == pattern;
}

bool answers(const Route& route, std::string_view method) {
  return route.method == method || (method == "HEAD" && route.method == "GET");
}

/// Returns the name of a host without its port, and without the brackets of IPv6.
std::string_view host_of(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

/// Returns "host:port" of an origin, "https://host:port".
std::string_view authority_of(std::string_view origin) {
  const auto mark = origin.find("://");
  return mark == std::string_view::npos ? std::string_view() : origin.substr(mark + 3);
}

}  // namespace

Site::Site(const ServerConfig& config, Metrics& metrics)
    : config_(config), log_(config.access_log), metrics_(metrics) {
  if (!config.api_keys.empty()) keys_.emplace(config.api_keys);
}

std::string Site::methods_of(std::string_view path) const {
  std::string methods;
  for (const auto& route : routes_) {
    if (!matches(route, path)) continue;
    if (!methods.empty()) methods += ", ";
    methods += route.method == "GET" ? "GET, HEAD" : route.method;
  }
  return methods;
}

const Route& Site::route_of(const Request& request) const {
  const auto found = std::find_if(routes_.begin(), routes_.end(), [&](const Route& route) {
    return matches(route, request.path) && answers(route, request.method);
  });
  if (found != routes_.end()) return *found;
  const auto methods = methods_of(request.path);
  if (methods.empty())
    throw HttpError(404, fmt::format("{}: this path does not exist (see /docs)", request.path), "not_found");
  HttpError error(405, fmt::format("{}: expected {}, got {}", request.path, methods, request.method));
  error.headers().push_back({"Allow", methods});
  throw error;
}

/// Without keys, a page of the web could reach a server of this machine by a name that it points to
/// 127.0.0.1. Its requests still name its host.
void Site::expect_our_host(const Request& request) const {
  if (keys_ || config_.any_host || !is_this_machine(config_.host)) return;
  const auto host = host_of(request.header("Host"));
  // Only HTTP/1.0, which no browser speaks, may leave it out.
  if (host.empty() || is_this_machine(host)) return;
  throw HttpError(403,
                  fmt::format("Host: expected localhost, got {} (the server was started for this machine "
                              "only)",
                              host));
}

bool Site::allows(std::string_view origin) const {
  return std::find(config_.cors.begin(), config_.cors.end(), origin) != config_.cors.end();
}

void Site::expect_our_origin(const Request& request) const {
  const auto origin = request.header("Origin");
  if (origin.empty() || allows(origin) || same_word(authority_of(origin), request.header("Host"))) return;
  throw HttpError(403, fmt::format("Origin: expected a page of this server, got {}", origin));
}

std::string Site::key_of(const Request& request) const {
  auto given = request.header("Authorization");
  constexpr std::string_view kScheme = "Bearer ";
  given = given.size() > kScheme.size() && same_word(given.substr(0, kScheme.size()), kScheme)
              ? trimmed(given.substr(kScheme.size()))
              : request.header("X-Api-Key");
  if (const auto name = keys_.value().name_of(given)) return *name;
  HttpError error(401,
                  given.empty() ? "Authorization: expected \"Bearer KEY\", got no API key"
                                : "Authorization: expected a known API key, got another one",
                  "invalid_api_key");
  error.headers().push_back({"WWW-Authenticate", "Bearer"});
  throw error;
}

void Site::expect_body(const Request& request, const Route& route) const {
  if (const auto encoding = request.header("Content-Encoding");
      !encoding.empty() && !same_word(encoding, "identity"))
    throw HttpError(415, fmt::format("Content-Encoding: expected none, got {}", encoding));
  if (route.media.empty()) {
    if (request.length != 0) throw HttpError(413, fmt::format("{}: expected no body", request.path));
    return;
  }
  if (request.length > config_.limits.max_body)
    throw HttpError(body_too_large(config_.limits.max_body, std::to_string(request.length)));
  const auto media = request.media_type();
  if (std::find(route.media.begin(), route.media.end(), media) != route.media.end()) return;
  std::string expected;
  for (const auto& each : route.media) expected += (expected.empty() ? "" : " or ") + each;
  throw HttpError(415,
                  fmt::format("Content-Type: expected {}, got {}", expected, media.empty() ? "none" : media));
}

const Route& Site::admit(Request& request) const {
  expect_our_host(request);
  const auto& route = route_of(request);
  if (!route.open && keys_) request.key = key_of(request);
  if (request.method != "GET" && request.method != "HEAD") expect_our_origin(request);
  expect_body(request, route);
  if (const auto expected = request.header("Expect");
      !expected.empty() && !same_word(expected, "100-continue"))
    throw HttpError(417, fmt::format("Expect: expected 100-continue, got {}", expected));
  return route;
}

std::optional<Reply> Site::options(const Request& request) const {
  if (request.method != "OPTIONS") return std::nullopt;
  const auto methods = methods_of(request.path);
  if (methods.empty())
    throw HttpError(404, fmt::format("{}: this path does not exist (see /docs)", request.path), "not_found");
  Reply reply{.status = 204, .type = {}, .headers = {{"Allow", methods}}};
  if (allows(request.header("Origin"))) {
    reply.headers.push_back({"Access-Control-Allow-Methods", methods});
    reply.headers.push_back(
        {"Access-Control-Allow-Headers", "Authorization, Content-Type, X-Api-Key, MCP-Protocol-Version, *"});
    reply.headers.push_back({"Access-Control-Max-Age", "600"});
  }
  return reply;
}

void Site::complete(const Request& request, Reply& reply) const {
  const auto has = [&](std::string_view name) {
    return std::any_of(reply.headers.begin(), reply.headers.end(),
                       [&](const Header& each) { return same_word(each.name, name); });
  };
  reply.headers.push_back({kRequestId, request.id});
  reply.headers.push_back({"X-Content-Type-Options", "nosniff"});
  if (!has("Cache-Control")) reply.headers.push_back({"Cache-Control", "no-store"});
  if (reply.status == 429 || reply.status == 503) reply.headers.push_back({"Retry-After", kRetryAfter});
  if (config_.cors.empty()) return;
  reply.headers.push_back({"Vary", "Origin"});
  const auto origin = request.header("Origin");
  if (!origin.empty() && allows(origin)) {
    reply.headers.push_back({"Access-Control-Allow-Origin", std::string(origin)});
    reply.headers.push_back({"Access-Control-Expose-Headers", kRequestId});
  }
}

void Site::report(const LoggedRequest& logged, const Route* route) {
  metrics_.add(ServedRequest{.route = route != nullptr ? std::string_view(route->path) : "other",
                             .status = logged.status,
                             .seconds = logged.seconds});
  log_.add(logged);
}

void Site::reload_keys() {
  if (keys_) keys_->reload();
}

void Site::reopen_log() {
  log_.reopen();
}

}  // namespace ccexpert::serve

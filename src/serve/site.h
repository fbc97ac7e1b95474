// Routes of a server, and the checks before a request is read whole.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serve/access_log.h"
#include "serve/api_keys.h"
#include "serve/http.h"
#include "serve/metrics.h"
#include "serve/replies.h"
#include "serve/shared/server_config.h"

namespace ccexpert::serve {

struct Route {
  std::string method;  ///< GET answers HEAD too
  std::string path;    ///< ends with "*": all paths that start so
  Handler handler;
  /// True: needs no API key.
  bool open = false;
  /// Media types of the body; empty: the body is not read.
  std::vector<std::string> media = {};
};

/// Everything that connections share but sockets. Routes are added before the first connection; then
/// thread-safe.
class Site {
 public:
  /// Throws Error if keys or log cannot be read.
  Site(const ServerConfig& config, Metrics& metrics);

  void add(Route route) { routes_.push_back(std::move(route)); }

  /// Returns the route of a request of which only the header is known, and sets `request.key`. Throws
  /// HttpError 400, 401, 403, 404, 405, 413, 415 or 417.
  const Route& admit(Request& request) const;
  /// Returns the answer to OPTIONS, or nothing for another method.
  std::optional<Reply> options(const Request& request) const;
  /// Adds the headers of all replies.
  void complete(const Request& request, Reply& reply) const;
  /// Counts and logs an answered request. `route`: null if there is none.
  void report(const LoggedRequest& logged, const Route* route);

  /// Reads API keys again. Throws Error and keeps the old ones if the file does not fit.
  void reload_keys();
  /// Opens the log again. Throws Error and keeps the old file if it cannot be opened.
  void reopen_log();

  Metrics& metrics() { return metrics_; }

 private:
  const Route& route_of(const Request& request) const;
  std::string methods_of(std::string_view path) const;
  void expect_our_host(const Request& request) const;
  void expect_our_origin(const Request& request) const;
  bool allows(std::string_view origin) const;
  std::string key_of(const Request& request) const;
  void expect_body(const Request& request, const Route& route) const;

  ServerConfig config_;
  std::optional<ApiKeys> keys_;
  AccessLog log_;
  Metrics& metrics_;
  std::vector<Route> routes_;
};

/// Name of the header that has a request's id.
inline constexpr const char* kRequestId = "X-Request-Id";

}  // namespace ccexpert::serve

// Settings of a server: address, limits and deadlines.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include <ccexpert/core/fields.h>

namespace ccexpert::serve {

/// Limits of one connection and of all together. A client that exceeds one of a request gets an answer with
/// the reason; one that is idle, takes no answer or finds no place by TLS is only closed.
struct ServerLimits {
  int64_t max_body = int64_t{64} << 20;
  int64_t max_bodies = int64_t{512} << 20;
  int64_t max_header = 16 << 10;
  int64_t max_connections = 256;
  double header_timeout = 10.0;
  double body_timeout = 60.0;
  double slow_timeout = 10.0;
  double answer_timeout = 60.0;
  double idle_timeout = 30.0;

  static constexpr auto fields() {
    using Self = ServerLimits;
    return std::tuple{
        field("max_body", &Self::max_body, "largest body of a request in bytes",
              in_range(1024, int64_t{1} << 30)),
        field("max_bodies", &Self::max_bodies, "largest bodies of all requests at once in bytes",
              in_range(1024, int64_t{1} << 40)),
        field("max_header", &Self::max_header, "largest header of a request in bytes",
              in_range(1024, 1 << 20)),
        field("max_connections", &Self::max_connections, "largest number of connections",
              in_range(1, 10'000)),
        field("header_timeout", &Self::header_timeout, "seconds until the header of a request is complete",
              in_range(0.05, 3600)),
        field("body_timeout", &Self::body_timeout, "seconds until the body of a request is complete",
              in_range(0.05, 3600)),
        field("slow_timeout", &Self::slow_timeout, "seconds without a byte of a body or of an answer",
              in_range(0.05, 3600)),
        field("answer_timeout", &Self::answer_timeout, "seconds that a client may take to receive an answer",
              in_range(0.05, 3600)),
        field("idle_timeout", &Self::idle_timeout, "seconds that a connection waits for its next request",
              in_range(0.05, 3600))};
  }
};

struct ServerConfig {
  std::string host = "127.0.0.1";  ///< address to listen on
  int port = 8080;                 ///< 0: any free one
  /// Sockets that already listen, as systemd passes them; then host and port are not used.
  std::vector<int> sockets = {};
  /// Certificate chain and key in PEM; both empty: no encryption.
  std::filesystem::path certificate = {}, private_key = {};
  /// File with one API key a line, "name:key"; empty: none is asked for.
  std::filesystem::path api_keys = {};
  /// Origins of web pages that may call the server from a browser, beside its own.
  std::vector<std::string> cors = {};
  /// True: answers also requests for another host's name without an API key, as behind a proxy.
  bool any_host = false;
  /// File of the access log; "-": standard output; empty: none.
  std::filesystem::path access_log = {};
  ServerLimits limits = {};
};

}  // namespace ccexpert::serve

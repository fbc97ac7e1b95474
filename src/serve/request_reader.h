// Requests of a connection, as their bytes come.
#pragma once

#include <memory>

#include "serve/byte_stream.h"
#include "serve/connection_state.h"
#include "serve/http.h"
#include "serve/shared/server_config.h"

namespace ccexpert::serve {

class RequestReader {
 public:
  /// All must outlive this object.
  RequestReader(ByteStream& stream, const ServerLimits& limits, ServerState& server, ConnectionState& state);
  ~RequestReader();
  RequestReader(const RequestReader&) = delete;
  RequestReader& operator=(const RequestReader&) = delete;

  /// Waits for the next request, and reads its header. Returns false if the connection ends before it.
  /// Throws HttpError 400, 408 or 431 for other bytes.
  bool read_header(Request& request);
  /// Throws HttpError 400, 431 or 505 for a header that breaks a rule of HTTP.
  void expect_valid(const Request& request) const;
  /// True if no byte of the request is left to read.
  bool is_complete() const;
  /// True if the client keeps the connection for another request.
  bool keeps_alive() const;
  /// True for HTTP/1.1, which knows chunks and 100 Continue.
  bool is_http11() const;
  /// Reads the rest of a request. Throws HttpError 400, 408, 413 or 503, and ClientLeft if the client ends
  /// before it.
  void read_body(Request& request);
  /// Frees the memory of the request's body.
  void release_body(Request& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ccexpert::serve

// Replies in JSON, and errors as replies.
#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <ccexpert/core/error.h>

#include "serve/http.h"

namespace ccexpert::generate {
class ServiceError;
}

namespace ccexpert::serve {

/// Error with the status that a client sees. Its text goes to the client.
class HttpError : public Error {
 public:
  HttpError(int status, std::string_view text, std::string code = {})
      : Error(text), status_(status), code_(std::move(code)) {}

  int status() const noexcept { return status_; }
  /// Word for programs, as "queue_full"; may be empty.
  const std::string& code() const noexcept { return code_; }
  std::vector<Header>& headers() noexcept { return headers_; }
  const std::vector<Header>& headers() const noexcept { return headers_; }

 private:
  int status_;
  std::string code_;
  std::vector<Header> headers_;
};

/// Returns the error of a body with more than `most` bytes. `got`: its length, as far as it is known.
HttpError body_too_large(int64_t most, std::string_view got);

/// Returns an error of the model's queue with its status; an error of a request stays as it is.
std::exception_ptr with_status(const generate::ServiceError& error);

/// Returns a reply with this value. Invalid UTF-8 in it becomes U+FFFD.
Reply json_reply(const nlohmann::ordered_json& value, int status = 200);

/// Returns JSON text; invalid UTF-8 becomes U+FFFD.
std::string json_text(const nlohmann::ordered_json& value);

/// Returns {"error": {"message", "type", "code", "request_id"}}. An Error about the input is 422 and is shown
/// as it is. Other errors can speak of this machine: the client sees a fixed sentence, and the log the reason
/// with the request's id.
Reply error_reply(const std::exception& error, const std::string& request_id);

/// Returns the body of error_reply, and its status.
struct ErrorBody {
  int status = 500;
  std::string json;
};
ErrorBody error_body(const std::exception& error, const std::string& request_id);

}  // namespace ccexpert::serve

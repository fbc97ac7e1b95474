// Client for chat completions over HTTP, with retries.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>

#include "datasets/chat/secret.h"
#include "datasets/shared/annotate.h"

namespace ccexpert::datasets {

/// Answer to one request.
struct ChatAnswer {
  std::string text;
  std::string finish;                    ///< "stop", "length", ...
  std::optional<int64_t> prompt_tokens;  ///< nothing if the server does not report it
  std::optional<int64_t> answer_tokens;
};

/// Error that ends the run regardless of on_error.
class FatalError : public Error {
 public:
  using Error::Error;
};

/// The endpoint refuses all requests: key, model or address are wrong, or it is unavailable for long.
class EndpointError : public FatalError {
 public:
  using FatalError::FatalError;
};

/// Returns the body of a request with `messages`.
nlohmann::ordered_json chat_request(const EndpointOptions& options, const nlohmann::ordered_json& messages);

/// Returns the URL without user name and password.
std::string shown_url(const std::string& url);

/// Thread-safe client.
class ChatClient {
 public:
  /// Throws Error for invalid options.
  explicit ChatClient(const EndpointOptions& options);
  ChatClient(const ChatClient&) = delete;
  ChatClient& operator=(const ChatClient&) = delete;

  /// Sends a request and returns the answer; retries after temporary failures and truncated answers. A stop
  /// ends the wait between tries but not a request in flight: its answer may already be paid for. Throws
  /// EndpointError, Error for a request that is refused permanently, and Stopped. The key appears neither in
  /// their texts nor in the answer.
  ChatAnswer ask(const std::string& body, const std::stop_token& stop);

  int64_t retries() const { return retries_; }

 private:
  double pause_before(int64_t retry);

  EndpointOptions options_;
  const Secret secret_;
  std::atomic<int64_t> retries_ = 0;
  std::atomic<uint64_t> jitter_ = 0;
};

}  // namespace ccexpert::datasets

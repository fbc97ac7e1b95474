// Chat completions over HTTP, with patience.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/datasets/annotate.h>

#include "datasets/secret.h"

namespace ccexpert::datasets {

/// What came back for one request.
struct ChatAnswer {
  std::string text;
  std::string finish;                    ///< "stop", "length", ...
  std::optional<int64_t> prompt_tokens;  ///< nothing where the server does not tell
  std::optional<int64_t> answer_tokens;
};

/// Ends the run, whatever on_error says.
class FatalError : public Error {
 public:
  using Error::Error;
};

/// The endpoint refuses everything: key, model or address are wrong, or it is closed for long.
class EndpointError : public FatalError {
 public:
  using FatalError::FatalError;
};

/// The body of a request for an answer to `messages`.
nlohmann::ordered_json chat_request(const EndpointOptions& options, const nlohmann::ordered_json& messages);

/// The address without the name and the password of a user.
std::string shown_url(const std::string& url);

/// May be called from several threads.
class ChatClient {
 public:
  /// Throws Error for options that cannot work.
  explicit ChatClient(const EndpointOptions& options);
  ChatClient(const ChatClient&) = delete;
  ChatClient& operator=(const ChatClient&) = delete;

  /// Waits for the answer, through refusals that pass and answers that were cut short. A stop ends waiting
  /// between tries, not a request that is on its way: its answer may be paid for already. Throws
  /// EndpointError, Error for a request that is refused for good, and Stopped. The key is neither in their
  /// texts nor in the answer.
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

// Answers about a pair.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "serve/caption_request.h"
#include "serve/captions.h"
#include "serve/metrics.h"

namespace ccexpert::serve {

/// Token of a caption with its text.
struct TokenText {
  int64_t id = 0;
  double logprob = 0.0;
  std::string text;
};

/// Model and counters of a request that waits for its caption.
struct Asking {
  Captions& captions;
  Metrics& metrics;
  Exchange& exchange;

  /// Throws ClientLeft if the client has gone, and HttpError 504 after the deadline.
  void expect_client(Clock::time_point deadline) const;
};

/// Returns the caption of a job; `on_token` is called on this thread. If the client leaves, the job is
/// cancelled, and ClientLeft is thrown. Throws HttpError 504 after the deadline, and the error of the job.
FinishedCaption awaited(const Asking& asking, CaptionJob job,
                        const std::function<void(const TokenText&)>& on_token);

/// Returns the captions of jobs that run at the same time. A full queue is no error: they wait until it has
/// room. Otherwise as `awaited`; an error cancels all of them.
std::vector<FinishedCaption> awaited_all(const Asking& asking, std::span<const CaptionJob> jobs);

/// Returns "stop" or "length".
std::string_view finish_word(FinishReason reason);

/// Returns {"prompt_tokens", "completion_tokens", "total_tokens"}.
nlohmann::ordered_json usage_json(const FinishedCaption& finished);

/// Returns the answer of /v1/captions.
nlohmann::ordered_json answer_json(const FinishedCaption& finished, const AskedCaption& asked,
                                   const ModelFacts& facts, const std::string& id);

}  // namespace ccexpert::serve

// Answers about a pair.
#pragma once

#include <functional>
#include <memory>
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
  std::shared_ptr<Captions> captions;
  Metrics& metrics;
  Exchange& exchange;

  /// Throws ClientLeft if the client has gone, and HttpError 504 after the deadline.
  void expect_client(const generate::CaptionRequest& request) const;
  /// Returns the body of an error that an answer in pieces tells at its end, and counts it.
  std::string failure(const std::exception& error, const std::string& id) const;
};

/// Returns the caption of a job; `on_token` is called on this thread. If the client leaves, the job is
/// cancelled, and ClientLeft is thrown. Throws HttpError 504 after the deadline, and the error of the job.
generate::ServedCaption awaited(const Asking& asking, CaptionJob job,
                                const std::function<void(const TokenText&)>& on_token);

/// Pairs of jobs that differ in nothing else.
struct PairsOf {
  size_t count = 0;
  /// Returns a pair as soon as the queue has place for it.
  std::function<std::shared_ptr<const DecodedPair>(size_t index)> pair;
};

/// Returns the captions of jobs that run at the same time. A full queue is no error: they wait until it has
/// place. Otherwise as `awaited`; an error cancels all of them.
std::vector<generate::ServedCaption> awaited_all(const Asking& asking,
                                                 const generate::CaptionRequest& request,
                                                 const PairsOf& pairs);

/// Returns "stop" or "length".
std::string_view finish_word(FinishReason reason);

/// Returns {"prompt_tokens", "completion_tokens", "total_tokens"}.
nlohmann::ordered_json usage_json(const generate::ServedCaption& caption);

/// Returns the answer of /v1/captions.
nlohmann::ordered_json answer_json(const generate::ServedCaption& caption, const AskedCaption& asked,
                                   const ModelFacts& facts, const std::string& id);

}  // namespace ccexpert::serve

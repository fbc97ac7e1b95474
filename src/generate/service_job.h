// Request of a service, from its acceptance to its end.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "generate/captioner_impl.h"
#include "generate/shared/caption_service.h"

namespace ccexpert::generate {

using Clock = std::chrono::steady_clock;

struct CaptionService::Job {
  /// Throws Error for a request that is not valid, or that has more tokens than the limits allow.
  Job(const Captioner::Impl& model, CaptionRequest request, CaptionEvents events,
      const ServiceLimits& limits);
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
  ~Job() = default;

  const DecodingConfig& decoding() const { return question.decoding; }
  /// True for a search that is no row of a batch: beams, or samples of minimum-Bayes-risk decoding.
  bool is_search() const { return !place_only && (decoding().beams > 1 || decoding().mbr > 0); }
  bool is_cancelled() const { return stop.stop_requested(); }
  bool is_late(Clock::time_point now) const { return deadline && now >= *deadline; }

  mutable std::stop_source stop;
  const Clock::time_point accepted = Clock::now();
  Clock::time_point started = accepted;  // only for the worker
  const PairHandle pair;
  const std::string client;
  const bool place_only;
  const std::optional<Clock::time_point> deadline;
  CaptionOptions options;
  Question question;     // about `options`
  CaptionEvents events;  // only for the worker
  int64_t prompt_tokens = 0;
};

ServiceError deadline_error();
ServiceError stopping_error();
/// Returns the error itself if it is of the service, else that of a request.
ServiceError service_error(const Error& error);

}  // namespace ccexpert::generate

#include "serve/served_captions.h"

#include <ctime>
#include <utility>

#include <fmt/format.h>

#include "generate/shared/caption_service.h"
#include "serve/replies.h"

namespace ccexpert::serve {
namespace {

using generate::CaptionService;
using generate::DecodingConfig;
using generate::ServiceError;
using generate::ServiceFailure;

HttpError full(std::string_view text) {
  HttpError error(429, text, "queue_full");
  error.headers().push_back({"Retry-After", "1"});
  return error;
}

/// Returns an error of the service with its status.
std::exception_ptr error_of(const ServiceError& error) {
  switch (error.failure()) {
    case ServiceFailure::kFull:
      return std::make_exception_ptr(full(error.what()));
    case ServiceFailure::kStopping:
      return std::make_exception_ptr(
          HttpError(503, "the server ends (send the request again later)", "stopping"));
    case ServiceFailure::kDeadline:
      return std::make_exception_ptr(HttpError(504, error.what(), "timeout"));
    case ServiceFailure::kRequest:
      break;
  }
  return std::make_exception_ptr(error);
}

ModelFacts facts_of(const Captioner& captioner, const std::string& name) {
  return {.name = name,
          .description = captioner.description(),
          .engine = captioner.engine(),
          .question = captioner.question(),
          .calibrated = captioner.calibrated(),
          .change_threshold = captioner.change_threshold(),
          .created = static_cast<int64_t>(std::time(nullptr))};
}

generate::CaptionEvents events_of(CaptionEvents events) {
  return {.on_token =
              [on_token = std::move(events.on_token)](const TokenEvent& event) {
                on_token(event);
                return true;
              },
          .on_done =
              [on_done = std::move(events.on_done)](const generate::ServedCaption& caption) {
                on_done({.caption = static_cast<const Caption&>(caption),
                         .prompt_tokens = caption.prompt_tokens,
                         .queue_seconds = caption.queue_seconds,
                         .seconds = caption.seconds - caption.queue_seconds});
              },
          .on_error = [on_error = std::move(events.on_error)](
                          const ServiceError& error) { on_error(error_of(error)); }};
}

class ServedCaptions : public Captions {
 public:
  ServedCaptions(Captioner captioner, const std::string& name, const generate::ServiceLimits& limits)
      : facts_(facts_of(captioner, name)), service_(std::move(captioner), limits) {}

  Cancel submit(CaptionJob job, CaptionEvents events) override {
    auto prepared = service_.prepare(job.pair->before.view(), job.pair->after.view());
    // The decoded images are many times larger, and nothing needs them any more.
    job.pair.reset();
    generate::CaptionRequest request{.pair = std::move(prepared),
                                     .question = std::move(job.question),
                                     .generation = std::move(job.generation),
                                     .locate = job.locate,
                                     .words = job.words,
                                     .client = std::move(job.client),
                                     .deadline = job.deadline};
    // A turn without a question asked the model's.
    for (auto& turn : job.past) {
      request.past.push_back(
          {turn.question.empty() ? facts_.question : std::move(turn.question), std::move(turn.answer)});
    }
    try {
      const auto ticket = service_.submit(std::move(request), events_of(std::move(events)));
      return [ticket] { ticket.cancel(); };
    } catch (const ServiceError& error) {
      std::rethrow_exception(error_of(error));
    }
  }

  void expect_place() const override {
    const auto limit = service_.limits().queued;
    if (service_.counters().queued < limit) return;
    throw full(fmt::format("queue: expected fewer than {} waiting requests, got {} (try again later)", limit,
                           limit));
  }

  DecodingConfig decoding(const generate::GenerationOptions& options) const override {
    return service_.captioner().decoding(options);
  }
  const ModelFacts& facts() const override { return facts_; }
  CaptionCounts counts() const override {
    const auto counters = service_.counters();
    return {counters.queued, counters.running};
  }
  void drain(std::chrono::milliseconds limit) override { service_.drain(limit); }

 private:
  ModelFacts facts_;
  CaptionService service_;
};

}  // namespace

std::unique_ptr<Captions> served_captions(Captioner captioner, const std::string& name,
                                          const generate::ServiceLimits& limits) {
  return std::make_unique<ServedCaptions>(std::move(captioner), name, limits);
}

}  // namespace ccexpert::serve

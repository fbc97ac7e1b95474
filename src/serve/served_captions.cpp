#include "serve/served_captions.h"

#include <ctime>
#include <utility>

#include "generate/shared/caption_service.h"
#include "serve/replies.h"

namespace ccexpert::serve {
namespace {

using generate::CaptionService;
using generate::DecodingConfig;
using generate::ServiceError;

ModelFacts facts_of(const Captioner& captioner, const std::string& name) {
  return {.name = name,
          .description = captioner.description(),
          .engine = captioner.engine(),
          .question = captioner.question(),
          .calibrated = captioner.calibrated(),
          .change_threshold = captioner.change_threshold(),
          .created = static_cast<int64_t>(std::time(nullptr))};
}

/// Returns the result of a call of the service; its errors get their status.
template <class Call>
auto with_statuses(const Call& call) {
  try {
    return call();
  } catch (const ServiceError& error) {
    std::rethrow_exception(with_status(error));
  }
}

class ServedCaptions : public Captions {
 public:
  ServedCaptions(Captioner captioner, const std::string& name, const generate::ServiceLimits& limits)
      : facts_(facts_of(captioner, name)), service_(std::move(captioner), limits) {}

  Cancel submit(CaptionJob job, generate::CaptionEvents events) override {
    auto& request = job.request;
    expect_place(request.client);
    request.pair = service_.prepare(job.pair->before.view(), job.pair->after.view());
    // The decoded images are many times larger, and nothing needs them any more.
    job.pair.reset();
    // A turn without a question asked the model's.
    for (auto& turn : request.past) {
      if (turn.question.empty()) turn.question = facts_.question;
    }
    const auto ticket = with_statuses([&] { return service_.submit(std::move(request), std::move(events)); });
    return [ticket] { ticket.cancel(); };
  }

  void expect_place(const std::string& client) const override {
    with_statuses([&] { service_.expect_place(client); });
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

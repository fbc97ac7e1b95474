#include "generate/shared/caption_service.h"

#include <thread>
#include <utility>

#include <c10/core/InferenceMode.h>

#include "generate/service_batch.h"
#include "runtime/torch_errors.h"

namespace ccexpert::generate {

class CaptionService::Impl {
 public:
  Impl(Captioner captioner, const Captioner::Impl& model, const ServiceLimits& limits)
      : captioner_(std::move(captioner)),
        model_(model),
        limits_(limits),
        memory_(limits.pair_cache),
        inbox_(std::make_shared<Inbox>(limits)),
        worker_([this] { run(); }) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    inbox_->stop();
    worker_.join();
  }

  PairHandle prepare(const image::ImageView& before, const image::ImageView& after) {
    return memory_.pair_of(model_.pixels_of(before, after));
  }

  void expect_place(const std::string& client) { inbox_->expect_place(client); }

  Ticket submit(CaptionRequest request, CaptionEvents events) {
    auto job = std::make_shared<Job>(model_, std::move(request), std::move(events), limits_);
    inbox_->push(job);
    return {inbox_, std::move(job)};
  }

  bool drain(std::chrono::milliseconds limit) {
    inbox_->refuse_more();
    if (inbox_->wait(limit)) return true;
    inbox_->stop();
    inbox_->wait();
    return false;
  }

  ServiceCounters counters() const {
    auto counters = inbox_->counters();
    counters.pair_bytes = memory_.bytes();
    return counters;
  }
  const Captioner& captioner() const { return captioner_; }
  const ServiceLimits& limits() const { return limits_; }

 private:
  void run() {
    const c10::InferenceMode inference;
    Batch batch(model_, *inbox_, memory_);
    while (true) {
      const auto work = round(batch, {.search = true, .idle = batch.size() == 0});
      if (work.stops) return;
      if (work.search) batch.search(work.search, [&] { round(batch, {}); });
    }
  }

  /// Takes requests, and adds a token to each row. Returns the rest of the work.
  Inbox::Work round(Batch& batch, Inbox::Place place) {
    place.rows = limits_.rows - batch.size();
    auto work = inbox_->take(place);
    for (const auto& job : work.cancelled) inbox_->finish_cancelled(*job);
    for (const auto& job : work.late) inbox_->fail(*job, deadline_error());
    if (work.stops) {
      for (const auto& job : work.joining) inbox_->fail(*job, stopping_error());
      batch.fail_all(stopping_error());
    } else {
      batch.join(work.joining);
      batch.step();
    }
    return work;
  }

  const Captioner captioner_;
  const Captioner::Impl& model_;
  const ServiceLimits limits_;
  PairMemory memory_;
  const std::shared_ptr<Inbox> inbox_;
  std::thread worker_;  // last: it uses all the others
};

CaptionService::CaptionService(Captioner captioner, const ServiceLimits& limits) {
  runtime::with_one_error_type(kMemoryHint, [&] {
    check_fields(limits, [](const std::string& field) { return field; });
    const auto& model = *captioner.impl_;
    if (model.leads()) fail_expected({"a service of captions", "one process", "several ranks"});
    impl_ = std::make_unique<Impl>(std::move(captioner), model, limits);
  });
}

CaptionService::~CaptionService() = default;

void CaptionService::Ticket::cancel() const {
  if (job_) inbox_->cancel(*job_);
}

PairHandle CaptionService::prepare(const image::ImageView& before, const image::ImageView& after) const {
  return runtime::with_one_error_type(kMemoryHint, [&] { return impl_->prepare(before, after); });
}

void CaptionService::expect_place(const std::string& client) const {
  impl_->expect_place(client);
}

CaptionService::Ticket CaptionService::submit(CaptionRequest request, CaptionEvents events) {
  return runtime::with_one_error_type(kMemoryHint,
                                      [&] { return impl_->submit(std::move(request), std::move(events)); });
}

bool CaptionService::drain(std::chrono::milliseconds limit) {
  return impl_->drain(limit);
}
ServiceCounters CaptionService::counters() const {
  return impl_->counters();
}
const Captioner& CaptionService::captioner() const {
  return impl_->captioner();
}
const ServiceLimits& CaptionService::limits() const {
  return impl_->limits();
}

}  // namespace ccexpert::generate

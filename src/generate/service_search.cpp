// Beams and samples of a service: a search that is no row, but shares the worker with the rows.
#include <utility>

#include "generate/service_batch.h"
#include "runtime/torch_errors.h"

namespace ccexpert::generate {

void CaptionService::Batch::search(const std::shared_ptr<Job>& job, const std::function<void()>& others) {
  try {
    runtime::with_one_error_type(kMemoryHint, [&] {
      if (still_wanted({job}).empty()) return;
      encode({job});
      if (!still_wanted({job}).empty()) answer(*job, others);
    });
  } catch (const Error& error) {
    inbox_.fail(*job, service_error(error));
  }
}

void CaptionService::Batch::answer(Job& job, const std::function<void()>& others) {
  bool is_stopped = false, is_late = false;
  job.question.between = [&] {
    others();
    is_stopped = inbox_.stops();
    is_late = job.is_late(Clock::now());
    if (is_stopped || is_late) job.stop.request_stop();
  };
  // Copies: rows about the same pair may change or forget its results between two steps.
  const auto images = job.pair->images.value();
  auto kept = std::exchange(job.pair->kept, {});
  auto captions = model_.answer(images, job.question, memory_.keeps() ? &kept : nullptr);
  job.question.between = {};
  job.pair->kept = std::move(kept);
  memory_.used(job.pair);
  if (captions.front().finish == FinishReason::kCancelled) {
    if (is_stopped) return inbox_.fail(job, stopping_error());
    if (is_late) return inbox_.fail(job, deadline_error());
  }
  inbox_.finish(job, std::move(captions.front()));
}

}  // namespace ccexpert::generate

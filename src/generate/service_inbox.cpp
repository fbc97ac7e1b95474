#include "generate/service_inbox.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include <ccexpert/core/log.h>

namespace ccexpert::generate {
namespace {

ServiceError full_error(std::string_view whose, int64_t limit) {
  return {fmt::format("queue: expected fewer than {} waiting requests{}, got {} (try again later)", limit,
                      whose, limit),
          ErrorKind::kResource, ServiceFailure::kFull};
}

double seconds_of(Clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

/// Calls an event at the end of a request: nobody else could be told of an exception.
template <class Event, class Result>
void report(const Event& event, const Result& result) {
  try {
    if (event) event(result);
  } catch (...) {
    log::warning("the event at the end of a request threw an exception");
  }
}

}  // namespace

void CaptionService::Inbox::expect_place(const Job& job) {
  const auto refuse = [&](const ServiceError& error) {
    ++counters_.refused;
    throw ServiceError(error);
  };
  if (refuses_) refuse(stopping_error());
  if (std::ssize(queue_) >= limits_.queued) refuse(full_error("", limits_.queued));
  if (const auto own = limits_.queued_of_client;
      own > 0 && static_cast<int64_t>(queue_.size_of(job.client)) >= own)
    refuse(full_error(" of this client", own));
}

void CaptionService::Inbox::push(std::shared_ptr<Job> job) {
  {
    const std::scoped_lock lock(mutex_);
    expect_place(*job);
    const auto& client = job->client;
    queue_.push(client, std::move(job));
    ++counters_.accepted;
    ++pending_;
  }
  changed_.notify_one();
}

void CaptionService::Inbox::cancel(const Job& job) {
  job.stop.request_stop();
  {
    const std::scoped_lock lock(mutex_);
    auto removed = queue_.remove_if([&](const auto& waiting) { return waiting.get() == &job; });
    if (removed.empty()) return;
    std::ranges::move(removed, std::back_inserter(cancelled_));
  }
  changed_.notify_one();
}

CaptionService::Inbox::Work CaptionService::Inbox::take(int64_t free, bool idle) {
  std::unique_lock lock(mutex_);
  if (idle) changed_.wait(lock, [&] { return stops_ || !queue_.empty() || !cancelled_.empty(); });
  Work work{.cancelled = std::exchange(cancelled_, {}), .stops = stops_};
  const auto now = Clock::now();
  work.late = queue_.remove_if([&](const auto& job) { return job->is_late(now); });
  const int64_t most = stops_ ? std::ssize(queue_) : std::min({free, limits_.joining, std::ssize(queue_)});
  while (std::ssize(work.joining) < most) work.joining.push_back(queue_.pop().value());
  for (const auto& job : work.joining) job->started = now;
  return work;
}

void CaptionService::Inbox::finish(Job& job, Caption caption) {
  const auto now = Clock::now();
  const ServedCaption served{std::move(caption), job.prompt_tokens, seconds_of(job.started - job.accepted),
                             seconds_of(now - job.accepted)};
  {
    const std::scoped_lock lock(mutex_);
    ++(served.finish == FinishReason::kCancelled ? counters_.cancelled : counters_.done);
  }
  // What the events hold is dropped before the request counts as over.
  report(std::exchange(job.events, {}).on_done, served);
  release();
}

void CaptionService::Inbox::finish_cancelled(Job& job) {
  Caption none;
  none.finish = FinishReason::kCancelled;
  finish(job, std::move(none));
}

void CaptionService::Inbox::fail(Job& job, const ServiceError& error) {
  {
    const std::scoped_lock lock(mutex_);
    ++(error.failure() == ServiceFailure::kDeadline ? counters_.expired : counters_.failed);
  }
  report(std::exchange(job.events, {}).on_error, error);
  release();
}

void CaptionService::Inbox::release() {
  const std::scoped_lock lock(mutex_);
  if (--pending_ == 0) emptied_.notify_all();
}

void CaptionService::Inbox::count_step(int64_t rows) {
  const std::scoped_lock lock(mutex_);
  ++counters_.steps;
  counters_.step_rows += rows;
}

void CaptionService::Inbox::count_tokens(int64_t tokens) {
  const std::scoped_lock lock(mutex_);
  counters_.tokens += tokens;
}

void CaptionService::Inbox::refuse_more() {
  const std::scoped_lock lock(mutex_);
  refuses_ = true;
}

void CaptionService::Inbox::stop() {
  {
    const std::scoped_lock lock(mutex_);
    refuses_ = stops_ = true;
  }
  changed_.notify_one();
}

bool CaptionService::Inbox::wait(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return emptied_.wait_for(lock, limit, [&] { return is_empty(); });
}

void CaptionService::Inbox::wait() {
  std::unique_lock lock(mutex_);
  emptied_.wait(lock, [&] { return is_empty(); });
}

ServiceCounters CaptionService::Inbox::counters() const {
  const std::scoped_lock lock(mutex_);
  auto counters = counters_;
  counters.queued = std::ssize(queue_);
  counters.running = pending_ - counters.queued;
  return counters;
}

}  // namespace ccexpert::generate

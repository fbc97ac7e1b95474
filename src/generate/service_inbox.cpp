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

void CaptionService::Inbox::expect_place_locked(const std::string& client) const {
  if (refuses_) throw ServiceError(stopping_error());
  if (waiting() >= limits_.queued) throw ServiceError(full_error("", limits_.queued));
  if (const auto own = limits_.queued_of_client; own > 0 && waiting_of(client) >= own)
    throw ServiceError(full_error(" of this client", own));
}

int64_t CaptionService::Inbox::waiting_of(const std::string& client) const {
  return static_cast<int64_t>(rows_.size_of(client) + searches_.size_of(client));
}

void CaptionService::Inbox::expect_place(const std::string& client) const {
  const std::scoped_lock lock(mutex_);
  expect_place_locked(client);
}

void CaptionService::Inbox::push(std::shared_ptr<Job> job) {
  {
    const std::scoped_lock lock(mutex_);
    const auto& client = job->client;
    try {
      expect_place_locked(client);
    } catch (const ServiceError&) {
      ++counters_.refused;
      throw;
    }
    auto& queue = job->is_search() ? searches_ : rows_;
    queue.push(client, std::move(job));
    ++counters_.accepted;
    ++pending_;
  }
  changed_.notify_one();
}

void CaptionService::Inbox::cancel(const Job& job) {
  job.stop.request_stop();
  {
    const std::scoped_lock lock(mutex_);
    auto removed = removed_if([&](const auto& waiting) { return waiting.get() == &job; });
    if (removed.empty()) return;
    std::ranges::move(removed, std::back_inserter(cancelled_));
  }
  changed_.notify_one();
}

CaptionService::Inbox::Jobs CaptionService::Inbox::removed_if(
    const std::function<bool(const std::shared_ptr<Job>&)>& condition) {
  auto removed = rows_.remove_if(condition);
  std::ranges::move(searches_.remove_if(condition), std::back_inserter(removed));
  return removed;
}

CaptionService::Inbox::Work CaptionService::Inbox::take(const Place& place) {
  std::unique_lock lock(mutex_);
  if (place.idle) changed_.wait(lock, [&] { return stops_ || waiting() > 0 || !cancelled_.empty(); });
  const auto now = Clock::now();
  Work work;
  work.cancelled = std::exchange(cancelled_, {});
  for (const auto& job : work.cancelled) job->started = now;
  work.stops = stops_;
  if (stops_) {
    work.joining = removed_if([](const auto&) { return true; });
    return work;
  }
  work.late = removed_if([&](const auto& job) { return job->is_late(now); });
  const int64_t most = std::min({place.rows, limits_.joining, std::ssize(rows_)});
  while (std::ssize(work.joining) < most) work.joining.push_back(rows_.pop().value());
  for (const auto& job : work.joining) job->started = now;
  if (place.search && !searches_.empty()) {
    work.search = searches_.pop().value();
    work.search->started = now;
  }
  return work;
}

void CaptionService::Inbox::finish(Job& job, Caption caption) {
  const auto now = Clock::now();
  const ServedCaption served{std::move(caption), job.prompt_tokens, seconds_of(job.started - job.accepted),
                             seconds_of(now - job.started)};
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

bool CaptionService::Inbox::stops() const {
  const std::scoped_lock lock(mutex_);
  return stops_;
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
  counters.queued = waiting();
  counters.running = pending_ - counters.queued;
  return counters;
}

}  // namespace ccexpert::generate

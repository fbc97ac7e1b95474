#include "distributed/bounded.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

namespace ccexpert::distributed {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kUntilNotice(2000);

struct Call {
  std::mutex mutex;
  std::condition_variable_any changed;
  bool done = false;
  std::exception_ptr problem;
};

void run(Call& call, const std::function<void()>& work) {
  std::exception_ptr problem;
  try {
    work();
  } catch (...) {
    problem = std::current_exception();
  }
  const std::lock_guard lock(call.mutex);
  call.problem = problem;
  call.done = true;
  call.changed.notify_all();
}

}  // namespace

Ended within(const Patience& patience, std::function<void()> work) {
  const auto deadline = Clock::now() + patience.timeout;
  const auto call = std::make_shared<Call>();
  std::thread([call, work = std::move(work)] { run(*call, work); }).detach();
  std::unique_lock lock(call->mutex);
  const auto done = [&] { return call->done; };
  const auto first = std::min(deadline, Clock::now() + kUntilNotice);
  const bool soon = call->changed.wait_until(lock, patience.stop, first, done);
  if (!soon && !patience.stop.stop_requested() && patience.notice) {
    lock.unlock();
    patience.notice();
    lock.lock();
  }
  call->changed.wait_until(lock, patience.stop, deadline, done);
  call->changed.wait_for(lock, patience.grace, done);
  if (!call->done) return patience.stop.stop_requested() ? Ended::kStopped : Ended::kLate;
  if (call->problem) std::rethrow_exception(call->problem);
  return Ended::kDone;
}

}  // namespace ccexpert::distributed

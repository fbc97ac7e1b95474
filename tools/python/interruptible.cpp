#include "interruptible.h"

#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <queue>
#include <thread>
#include <utility>

#include <nanobind/nanobind.h>
#include <unistd.h>

namespace nb = nanobind;

namespace ccexpert::python {
namespace {

/// Interval at which signals are handled during work.
constexpr std::chrono::milliseconds kPoll(50);

/// Thread for the work of the main thread. Always the same, since OpenMP and oneDNN keep threads and compiled
/// kernels for each thread that calls them.
class WorkThread {
 public:
  WorkThread() {
    std::thread([this] { serve(); }).detach();
  }

  std::future<void> start(std::function<void()> work) {
    std::packaged_task<void()> task(std::move(work));
    auto done = task.get_future();
    {
      const std::lock_guard lock(mutex_);
      tasks_.push(std::move(task));
    }
    arrived_.notify_one();
    return done;
  }

  pid_t process() const { return process_; }

 private:
  [[noreturn]] void serve() {
    while (true) {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [this] { return !tasks_.empty(); });
      auto task = std::move(tasks_.front());
      tasks_.pop();
      lock.unlock();
      task();
    }
  }

  pid_t process_ = getpid();
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::queue<std::packaged_task<void()>> tasks_;
};

/// Returns the thread of this process: a fork has none of its parent's threads. It is never freed, as a
/// process may end at any time. The caller holds Python's lock.
WorkThread& work_thread() {
  static WorkThread* thread = nullptr;
  if (thread == nullptr || thread->process() != getpid()) thread = std::make_unique<WorkThread>().release();
  return *thread;
}

bool is_main_thread() {
  const auto threading = nb::module_::import_("threading");
  return threading.attr("get_ident")().equal(threading.attr("main_thread")().attr("ident"));
}

/// Calls Python's signal handlers until the work is done. Returns the last exception of a handler, after
/// which the work's own exceptions do not count.
std::unique_ptr<nb::python_error> wait_for(std::future<void>& done, std::stop_source& stop) {
  std::unique_ptr<nb::python_error> raised;
  while (done.wait_for(kPoll) == std::future_status::timeout) {
    const nb::gil_scoped_acquire python;
    if (PyErr_CheckSignals() == 0) continue;
    raised = std::make_unique<nb::python_error>();
    stop.request_stop();
  }
  if (!raised) done.get();
  return raised;
}

}  // namespace

void run_interruptible(const std::function<void(const std::stop_token&)>& work) {
  if (!is_main_thread()) {
    const nb::gil_scoped_release others;
    work({});
    return;
  }
  std::stop_source stop;
  std::unique_ptr<nb::python_error> raised;
  {
    auto& thread = work_thread();
    const nb::gil_scoped_release others;
    auto done = thread.start([&] { work(stop.get_token()); });
    raised = wait_for(done, stop);
  }
  if (!raised) return;
  raised->restore();
  nb::raise_python_error();
}

}  // namespace ccexpert::python

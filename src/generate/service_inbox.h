// Queue of a service, and the ends of its requests.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "generate/fair_queue.h"
#include "generate/service_job.h"

namespace ccexpert::generate {

/// Thread-safe. No lock is held during the events of a request.
class CaptionService::Inbox {
 public:
  using Jobs = std::vector<std::shared_ptr<Job>>;

  explicit Inbox(const ServiceLimits& limits) : limits_(limits) {}

  /// Throws ServiceError if there is no place for a request of this client.
  void expect_place(const std::string& client) const;
  /// Accepts a request. Throws ServiceError if there is no place for it.
  void push(std::shared_ptr<Job> job);
  /// Cancels a request: a waiting one leaves its place at once.
  void cancel(const Job& job);

  /// What the worker has place for.
  struct Place {
    int64_t rows = 0;     ///< that are free
    bool search = false;  ///< no search is computed
    bool idle = false;    ///< nothing is computed
  };
  /// What the worker does next.
  struct Work {
    Jobs joining = {};            ///< as rows
    std::shared_ptr<Job> search;  ///< null: none
    Jobs cancelled = {};
    Jobs late = {};
    bool stops = false;  ///< end all requests and the worker
  };
  /// Takes the next requests for which there is place. Waits for one if the worker is idle.
  Work take(const Place& place);

  /// Report the end of a request.
  void finish(Job& job, Caption caption);
  void finish_cancelled(Job& job);  ///< before it had a token
  void fail(Job& job, const ServiceError& error);
  /// Counts a pass of the decoder, or tokens.
  void count_step(int64_t rows);
  void count_tokens(int64_t tokens);

  void refuse_more();
  /// Makes the worker end all requests, and refuses more.
  void stop();
  bool stops() const;
  /// Waits until no request is left; returns false after `limit`.
  bool wait(std::chrono::milliseconds limit);
  void wait();

  ServiceCounters counters() const;

 private:
  /// True if no accepted request is left.
  bool is_empty() const { return pending_ == 0; }
  int64_t waiting() const { return std::ssize(rows_) + std::ssize(searches_); }
  int64_t waiting_of(const std::string& client) const;
  /// The same for a caller that holds the lock.
  void expect_place_locked(const std::string& client) const;
  Jobs removed_if(const std::function<bool(const std::shared_ptr<Job>&)>& condition);
  void release();

  const ServiceLimits limits_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;  // for the worker
  std::condition_variable emptied_;
  // Rows and searches have a queue each: a search that waits for another one holds up no row.
  FairQueue<std::shared_ptr<Job>> rows_, searches_;
  Jobs cancelled_;  // of the queues, not reported yet
  int64_t pending_ = 0;
  bool refuses_ = false, stops_ = false;
  ServiceCounters counters_;
};

}  // namespace ccexpert::generate

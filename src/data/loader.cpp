#include "data/shared/loader.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_set>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>

#include "core/foreign_errors.h"
#include "data/draft.h"

namespace ccexpert::data {
namespace {

/// Drafts that worker threads fill ahead of the training step.
class DraftQueue {
 public:
  /// `options` must outlive it. Starts no thread if `workers` is 0; then `front` prepares samples itself.
  DraftQueue(DraftSequence sequence, DraftEncoder& encoder, const LoaderOptions& options, int64_t workers)
      : encoder_(encoder), options_(options), sequence_(std::move(sequence)) {
    for (int64_t i = 0; i < workers; ++i) {
      workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
    }
  }
  ~DraftQueue() {
    for (auto& worker : workers_) worker.request_stop();
  }
  DraftQueue(const DraftQueue&) = delete;
  DraftQueue& operator=(const DraftQueue&) = delete;

  const BatchPlan& plan() const { return sequence_.plan(); }

  void seek(const Position& position) {
    {
      const std::scoped_lock lock(mutex_);
      sequence_.seek(position);
      drafts_.clear();
    }
    work_there_.notify_all();
  }

  /// Returns the first draft when it is done; it stays in the queue. Throws what ended a worker.
  std::shared_ptr<Draft> front() {
    std::unique_lock lock(mutex_);
    if (workers_.empty()) prepare_front(lock);
    front_done_.wait(lock, [this] { return broken_ || (!drafts_.empty() && drafts_.front()->done()); });
    if (broken_) std::rethrow_exception(broken_);
    return drafts_.front();
  }

  void pop_front() {
    {
      const std::scoped_lock lock(mutex_);
      drafts_.pop_front();
    }
    work_there_.notify_all();
  }

 private:
  struct Task {
    std::shared_ptr<Draft> draft;
    size_t sample = 0;
  };

  /// Returns the next unclaimed sample, from a new draft if another may be prepared. Needs the lock.
  std::optional<Task> claim() {
    for (const auto& draft : drafts_) {
      if (draft->claimed < draft->samples.size()) return Task{draft, draft->claimed++};
    }
    if (static_cast<int64_t>(drafts_.size()) >= options_.prefetch) return std::nullopt;
    drafts_.push_back(sequence_.make());
    sequence_.advance();  // after success only: a draft that failed is made again
    return Task{drafts_.back(), drafts_.back()->claimed++};
  }

  /// Prepares the claimed sample without the lock, which is held again on return.
  void carry_out(const Task& task, std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    std::exception_ptr failure;
    try {
      encoder_.prepare(*task.draft, task.sample);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure) task.draft->failure = failure;
    if (--task.draft->left == 0) front_done_.notify_all();
  }

  void work(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    try {
      while (!stop.stop_requested()) {
        std::optional<Task> task;
        work_there_.wait(lock, stop, [&] { return (task = claim()).has_value(); });
        if (task && !stop.stop_requested()) carry_out(*task, lock);
      }
    } catch (...) {
      // For example, out of memory for a list of samples.
      broken_ = std::current_exception();
      front_done_.notify_all();
    }
  }

  void prepare_front(std::unique_lock<std::mutex>& lock) {
    while (drafts_.empty() || !drafts_.front()->done()) {
      if (const auto task = claim()) carry_out(*task, lock);
    }
  }

  DraftEncoder& encoder_;
  const LoaderOptions& options_;

  std::mutex mutex_;  // guards the members up to broken_
  std::condition_variable_any work_there_;
  std::condition_variable front_done_;
  std::deque<std::shared_ptr<Draft>> drafts_;  // in the plan's order
  DraftSequence sequence_;                     // of the next draft
  std::exception_ptr broken_;

  std::vector<std::jthread> workers_;  // last, so that they stop before the members they use are destroyed
};

void expect_plan_of(const std::vector<ChangeExample>& pairs, const BatchPlan& plan) {
  if (visits_of(pairs) != plan.sampler().pairs()) {
    fail_expected({"loader", "a plan of these pairs", "one of other pairs"});
  }
}

}  // namespace

/// Taker of finished drafts; records samples left out.
class BatchLoader::Impl {
 public:
  Impl(const std::vector<ChangeExample>& pairs, const text::Tokenizer& tokenizer, BatchPlan plan,
       LoaderOptions options)
      : options_(std::move(options)), encoder_(pairs, tokenizer, options_), has_work_(plan.share(0).own > 0) {
    expect_plan_of(pairs, plan);
    queue_ = std::make_unique<DraftQueue>(DraftSequence(std::move(plan)), encoder_, options_,
                                          has_work_ ? options_.workers : 0);
  }

  void seek(const Position& position) { queue_->seek(position); }

  MicroBatch next() {
    const auto start = std::chrono::steady_clock::now();
    if (!has_work_)
      fail_expected(
          {"loader", "a micro-batch for this rank", "global batches of fewer micro-batches than ranks"});
    const auto draft = queue_->front();
    refuse_problems(*draft);
    queue_->pop_front();
    contradictions_ += encoder_.contradictions(*draft);
    leave_out_problems(*draft);
    draft->batch.wait_seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return std::move(draft->batch);
  }

  int64_t skipped() const { return skipped_; }
  int64_t contradictions() const { return contradictions_; }
  const BatchPlan& plan() const { return queue_->plan(); }

 private:
  void refuse_problems(const Draft& draft) const {
    if (draft.failure) std::rethrow_exception(draft.failure);
    if (options_.bad_samples == BadSamples::kSkip) return;
    for (size_t i = 0; i < draft.problems.size(); ++i) {
      if (!draft.problems[i].empty()) {
        fail(fmt::format("pair '{}'", draft.batch.uids[i]), draft.problems[i]);
      }
    }
  }

  void leave_out_problems(Draft& draft) {
    std::vector<bool> fine;
    for (const auto& problem : draft.problems) fine.push_back(problem.empty());
    if (std::find(fine.begin(), fine.end(), false) == fine.end()) return;
    for (size_t i = 0; i < fine.size(); ++i) {
      if (!fine[i]) report(draft.samples[i].pair, {draft.batch.uids[i], draft.problems[i]});
    }
    keep_samples(draft.batch, fine);
  }

  void report(int64_t pair, const SkippedSample& skipped) {
    ++skipped_;
    if (!reported_.insert(pair).second) return;
    if (options_.on_skip) {
      options_.on_skip(skipped);
    } else {
      log::warning(fmt::format("left out: pair '{}': {}", skipped.uid, skipped.problem));
    }
  }

  const LoaderOptions options_;
  DraftEncoder encoder_;
  const bool has_work_;
  std::unique_ptr<DraftQueue> queue_;  // after what its workers use
  std::unordered_set<int64_t> reported_;
  int64_t skipped_ = 0;
  int64_t contradictions_ = 0;
};

BatchLoader::BatchLoader(const std::vector<ChangeExample>& pairs, const text::Tokenizer& tokenizer,
                         BatchPlan plan, LoaderOptions options) try
    : impl_(std::make_unique<Impl>(pairs, tokenizer, std::move(plan), std::move(options))) {
} catch (...) {
  rethrow_as_error();
}
BatchLoader::~BatchLoader() = default;
BatchLoader::BatchLoader(BatchLoader&&) noexcept = default;
BatchLoader& BatchLoader::operator=(BatchLoader&&) noexcept = default;

void BatchLoader::seek(const Position& position) try { impl_->seek(position); } catch (...) {
  rethrow_as_error();
}
MicroBatch BatchLoader::next() try { return impl_->next(); } catch (...) {
  rethrow_as_error();
}
int64_t BatchLoader::skipped() const {
  return impl_->skipped();
}
int64_t BatchLoader::contradictions() const {
  return impl_->contradictions();
}
const BatchPlan& BatchLoader::plan() const {
  return impl_->plan();
}

}  // namespace ccexpert::data

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <unordered_set>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>
#include <ccexpert/data/loader.h>

#include "core/foreign_errors.h"
#include "data/example_encoder.h"

namespace ccexpert::data {
namespace {

/// Micro-batch in preparation. Several threads prepare its samples; each writes its own elements.
struct Draft {
  MicroBatch batch;
  std::vector<SampleIndex> samples;
  std::vector<std::string> problems;  ///< one per sample, empty if it is valid
  std::exception_ptr failure;         ///< exception other than a bad sample
  std::once_flag allocated;           ///< its memory is allocated outside the loader's lock
  size_t claimed = 0;
  size_t left = 0;

  bool done() const { return left == 0; }
};

struct Task {
  std::shared_ptr<Draft> draft;
  size_t sample = 0;
};

std::span<float> part(std::vector<float>& values, size_t index, size_t length) {
  return std::span(values).subspan(index * length, length);
}

/// Keeps group i of `items` (groups of equal length) if keep[i] is true.
template <class Item>
void keep_groups(std::vector<Item>& items, const std::vector<bool>& keep) {
  const size_t length = items.size() / keep.size();
  size_t kept = 0;
  for (size_t i = 0; i < keep.size(); ++i) {
    if (!keep[i]) continue;
    if (kept != i) {
      const auto from = items.begin() + static_cast<std::ptrdiff_t>(i * length);
      std::move(from, from + static_cast<std::ptrdiff_t>(length),
                items.begin() + static_cast<std::ptrdiff_t>(kept * length));
    }
    ++kept;
  }
  items.resize(kept * length);
}

}  // namespace

class BatchLoader::Impl {
 public:
  Impl(const std::vector<ChangeExample>& pairs, const text::Tokenizer& tokenizer, BatchPlan plan,
       LoaderOptions options)
      : pairs_(pairs),
        plan_(std::move(plan)),
        options_(std::move(options)),
        encoder_(tokenizer, options_),
        has_work_(plan_.share(0).own > 0) {
    if (visits_of(pairs_) != plan_.sampler().pairs()) {
      fail_expected({"loader", "a plan of these pairs", "one of other pairs"});
    }
    for (int64_t i = 0; i < options_.workers && has_work_; ++i) {
      workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
    }
  }

  ~Impl() {
    for (auto& worker : workers_) worker.request_stop();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void seek(const Position& position) {
    plan_.check(position);
    {
      const std::scoped_lock lock(mutex_);
      drafts_.clear();
      position_ = position;
      index_ = 0;
    }
    work_there_.notify_all();
  }

  MicroBatch next() {
    const auto start = std::chrono::steady_clock::now();
    if (!has_work_)
      fail_expected(
          {"loader", "a micro-batch for this rank", "global batches of fewer micro-batches than ranks"});
    std::unique_lock lock(mutex_);
    if (workers_.empty()) prepare_front(lock);
    front_done_.wait(lock, [this] { return broken_ || (!drafts_.empty() && drafts_.front()->done()); });
    if (broken_) std::rethrow_exception(broken_);
    const auto draft = drafts_.front();
    refuse_problems(*draft);
    drafts_.pop_front();
    lock.unlock();
    work_there_.notify_all();
    count_contradictions(*draft);
    leave_out_problems(*draft);
    draft->batch.wait_seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return std::move(draft->batch);
  }

  int64_t skipped() const { return skipped_; }
  int64_t contradictions() const { return contradictions_; }
  const BatchPlan& plan() const { return plan_; }

 private:
  /// Returns the next unclaimed sample, from a new draft if another may be prepared. Needs the lock.
  std::optional<Task> claim() {
    for (const auto& draft : drafts_) {
      if (draft->claimed < draft->samples.size()) return Task{draft, draft->claimed++};
    }
    if (static_cast<int64_t>(drafts_.size()) >= options_.prefetch) return std::nullopt;
    drafts_.push_back(new_draft());
    ++index_;  // after success only: a draft that failed is made again
    return Task{drafts_.back(), drafts_.back()->claimed++};
  }

  /// Creates the draft of micro-batch `index_` of `position_`, or of the first one after it.
  std::shared_ptr<Draft> new_draft() {
    auto own = plan_.own(position_.batch);
    while (index_ >= own.size()) {
      position_ = plan_.after(position_);
      index_ = 0;
      own = plan_.own(position_.batch);
    }
    if (order_.empty() || order_epoch_ != position_.epoch) order_ = plan_.sampler().order(position_.epoch);
    order_epoch_ = position_.epoch;
    auto draft = std::make_shared<Draft>();
    const auto [first, last] = own[index_];
    draft->samples.assign(order_.begin() + first, order_.begin() + last);
    draft->left = draft->samples.size();
    draft->batch.position = position_;
    draft->batch.index = static_cast<int64_t>(index_);
    return draft;
  }

  void allocate(Draft& draft) const {
    const size_t count = draft.samples.size();
    for (const auto& sample : draft.samples) {
      draft.batch.uids.push_back(pairs_[static_cast<size_t>(sample.pair)].uid);
    }
    draft.problems.resize(count);
    draft.batch.ids.resize(count);
    draft.batch.labels.resize(count);
    draft.batch.pixels.resize(count * encoder_.pixel_values());
    draft.batch.change_mask.resize(count * encoder_.mask_values());
    draft.batch.classes.resize(count * encoder_.class_values());
  }

  /// Does not need the lock.
  void prepare(Draft& draft, size_t i) {
    std::call_once(draft.allocated, [&] { allocate(draft); });
    const auto& sample = draft.samples[i];
    try {
      encoder_.encode(pairs_[static_cast<size_t>(sample.pair)], static_cast<size_t>(sample.caption),
                      {.pixels = part(draft.batch.pixels, i, encoder_.pixel_values()),
                       .ids = draft.batch.ids[i],
                       .labels = draft.batch.labels[i],
                       .change_mask = part(draft.batch.change_mask, i, encoder_.mask_values()),
                       .classes = part(draft.batch.classes, i, encoder_.class_values())});
    } catch (const Fault&) {
      throw;
    } catch (const Error& error) {
      draft.problems[i] = error.what();
    }
  }

  /// Prepares the claimed sample without the lock, which is held again on return.
  void carry_out(const Task& task, std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    std::exception_ptr failure;
    try {
      prepare(*task.draft, task.sample);
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

  void refuse_problems(const Draft& draft) const {
    if (draft.failure) std::rethrow_exception(draft.failure);
    if (options_.bad_samples == BadSamples::kSkip) return;
    for (size_t i = 0; i < draft.problems.size(); ++i) {
      if (!draft.problems[i].empty()) {
        fail(fmt::format("pair '{}'", draft.batch.uids[i]), draft.problems[i]);
      }
    }
  }

  void count_contradictions(const Draft& draft) {
    const size_t values = encoder_.mask_values();
    for (size_t i = 0; values > 0 && i < draft.samples.size(); ++i) {
      const auto& pair = pairs_[static_cast<size_t>(draft.samples[i].pair)];
      if (!pair.changed || pair.mask.empty() || !draft.problems[i].empty()) continue;
      const auto shares = std::span(draft.batch.change_mask).subspan(i * values, values);
      const bool shown = std::any_of(shares.begin(), shares.end(), [](float share) { return share > 0.0F; });
      if (shown != *pair.changed) ++contradictions_;
    }
  }

  void leave_out_problems(Draft& draft) {
    std::vector<bool> fine;
    for (const auto& problem : draft.problems) fine.push_back(problem.empty());
    if (std::find(fine.begin(), fine.end(), false) == fine.end()) return;
    for (size_t i = 0; i < fine.size(); ++i) {
      if (!fine[i]) report(draft.samples[i].pair, {draft.batch.uids[i], draft.problems[i]});
    }
    keep_groups(draft.batch.uids, fine);
    keep_groups(draft.batch.ids, fine);
    keep_groups(draft.batch.labels, fine);
    keep_groups(draft.batch.pixels, fine);
    keep_groups(draft.batch.change_mask, fine);
    keep_groups(draft.batch.classes, fine);
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

  const std::vector<ChangeExample>& pairs_;
  const BatchPlan plan_;
  const LoaderOptions options_;
  ExampleEncoder encoder_;
  const bool has_work_;

  std::mutex mutex_;  // guards the members up to broken_
  std::condition_variable_any work_there_;
  std::condition_variable front_done_;
  std::deque<std::shared_ptr<Draft>> drafts_;  // in the plan's order
  Position position_;                          // of the next draft
  size_t index_ = 0;
  std::vector<SampleIndex> order_;
  int64_t order_epoch_ = 0;
  std::exception_ptr broken_;

  std::unordered_set<int64_t> reported_;  // only next() uses these
  int64_t skipped_ = 0;
  int64_t contradictions_ = 0;

  std::vector<std::jthread> workers_;  // last, so that they stop before the members they use are destroyed
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

void BatchLoader::seek(const Position& position) {
  impl_->seek(position);
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

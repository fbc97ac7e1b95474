#include "datasets/shared/annotate.h"

#include <atomic>
#include <mutex>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "datasets/chat/annotate_job.h"
#include "datasets/chat/annotated_list.h"
#include "datasets/chat/chat_client.h"
#include "datasets/chat/chat_purse.h"
#include "datasets/chat/chat_task.h"
#include "datasets/json_stream.h"
#include "datasets/parallel.h"
#include "datasets/sources/sink.h"

namespace ccexpert::datasets {
namespace {

using nlohmann::ordered_json;
using Jobs = std::vector<AnnotateJob>;

/// Parts of a run, all of which must outlive it.
struct AnnotateParts {
  const AnnotateOptions& options;
  const std::function<void(int64_t)>& done;
  const std::stop_token& stop;
  ChatPurse& purse;
  AnnotatedList& list;
};

/// Annotates the entries of a list batch by batch, those of a batch concurrently.
class Annotator {
 public:
  explicit Annotator(const AnnotateParts& parts)
      : options_(parts.options),
        parts_(parts),
        entries_(parts.options.list),
        root_(image_root_of(parts.options)) {}

  AnnotateSummary run() {
    try {
      if (parts_.purse.needs_recall())
        for_each_batch(options_, entries_, [this](Jobs& jobs) { recall_all(jobs); });
      for_each_batch(options_, entries_, [this](Jobs& jobs) { annotate_all(jobs); });
    } catch (const Stopped&) {
      return summary(true);
    }
    parts_.list.commit();
    return summary(false);
  }

 private:
  void for_each_job(Jobs& jobs, int64_t threads, const std::function<void(AnnotateJob&)>& work) const {
    parallel_for(std::ssize(jobs), threads, [&](int64_t i) {
      if (parts_.stop.stop_requested()) throw Stopped{};
      work(jobs[static_cast<size_t>(i)]);
    });
  }

  /// Adds the cost of earlier runs for these pairs to the account, so that max_cost covers all runs.
  void recall_all(Jobs& jobs) const {
    for_each_job(jobs, 0, [this](AnnotateJob& job) {
      try {
        attempt(job, [this](const ordered_json& messages) { return parts_.purse.recall(messages); });
      } catch (const Unpaid&) {  // the rest of the conversation has not been paid for yet
        return;
      }
    });
  }

  void annotate_all(Jobs& jobs) {
    // Check in order before any request: threads would report whichever bad entry they meet first.
    if (options_.on_error == OnError::kError) {
      for (const auto& job : jobs) chat_pair_of(job.entry, job.where, root_);
    }
    for_each_job(jobs, options_.endpoint.concurrency, [this](AnnotateJob& job) { annotate(job); });
    for (const auto& job : jobs) parts_.list.write(job);
  }

  void annotate(AnnotateJob& job) {
    try {
      attempt(job, [this](const ordered_json& messages) { return parts_.purse.ask(messages); });
    } catch (const Spent&) {
      job.outcome = AnnotateOutcome::kUnasked;
      limit_reached_ = true;
    }
    if (!job.problem.empty() && options_.on_error == OnError::kError)
      throw Error(job.where + ": " + job.problem);
    const std::lock_guard lock(mutex_);
    if (parts_.done) parts_.done(1);
  }

  void attempt(AnnotateJob& job, const Ask& ask) const {
    if (!job.problem.empty()) return;
    try {
      const auto pair = chat_pair_of(job.entry, job.where, root_);
      job.outcome = AnnotateOutcome::kUnasked;
      if (options_.limit > 0 && job.number >= options_.limit) return;
      job.outcome = AnnotateOutcome::kGivenUp;
      job.captions = converse(pair, options_, ask);
      job.outcome = AnnotateOutcome::kAnnotated;
    } catch (const FatalError&) {
      throw;
    } catch (const Fault&) {
      throw;
    } catch (const Error& error) {
      job.problem = error.what();
    }
  }

  AnnotateSummary summary(bool interrupted) const {
    auto summary = parts_.purse.summary();
    const auto& counts = parts_.list.counts();
    summary.pairs = counts.pairs;
    summary.annotated = counts.annotated;
    summary.failed = counts.failed;
    summary.no_pairs = counts.no_pairs;
    summary.unasked = counts.unasked;
    summary.limit_reached = limit_reached_;
    summary.interrupted = interrupted;
    return summary;
  }

  const AnnotateOptions& options_;
  const AnnotateParts parts_;
  ElementList entries_;
  const std::filesystem::path root_;
  std::mutex mutex_;  ///< guards `done`
  std::atomic<bool> limit_reached_ = false;
};

}  // namespace

AnnotateSummary annotate(const AnnotateOptions& options, const std::function<void(int64_t)>& done,
                         const std::stop_token& stop) try {
  expect_valid(options);
  expect_new(options.output, options.overwrite);
  make_folder(options.output.parent_path());
  make_folder(options.journal.parent_path());
  ChatPurse purse(options, stop);
  AnnotatedList list(options);
  return Annotator({options, done, stop, purse, list}).run();
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::datasets

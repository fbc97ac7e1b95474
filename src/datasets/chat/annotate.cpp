#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/datasets/annotate.h>

#include "core/atomic_file.h"
#include "core/files.h"
#include "core/foreign_errors.h"
#include "core/text_file.h"
#include "core/universal_entry.h"
#include "datasets/chat/chat_client.h"
#include "datasets/chat/chat_purse.h"
#include "datasets/chat/chat_task.h"
#include "datasets/json_fields.h"
#include "datasets/json_stream.h"
#include "datasets/lists/entry.h"
#include "datasets/lists/list_writer.h"
#include "datasets/lists/universal.h"
#include "datasets/parallel.h"
#include "datasets/sources/sink.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using nlohmann::ordered_json;

fs::path beside(const fs::path& output, const char* suffix) {
  return output.string() + suffix;
}

void check(const AnnotateOptions& options) {
  const auto expect = [](bool right, const char* what, const char* expected, const std::string& got) {
    if (!right) fail_expected({what, expected, got});
  };
  const auto& endpoint = options.endpoint;
  expect(!endpoint.model.empty(), "model", "a model name known to the endpoint", "none");
  expect(endpoint.concurrency >= 1 && endpoint.concurrency <= 256, "concurrency", "1 to 256",
         std::to_string(endpoint.concurrency));
  expect(endpoint.retries >= 0, "retries", "0 or more", std::to_string(endpoint.retries));
  expect(endpoint.timeout_seconds > 0, "timeout", "more than 0 seconds",
         std::to_string(endpoint.timeout_seconds));
  expect(endpoint.max_tokens >= 1, "max_tokens", "1 or more", std::to_string(endpoint.max_tokens));
  expect(options.captions >= 1 && options.captions <= 20, "captions", "1 to 20",
         std::to_string(options.captions));
  expect(options.attempts >= 1, "attempts", "1 or more", std::to_string(options.attempts));
  expect(options.image_side >= 32, "image_side", "32 pixels or more", std::to_string(options.image_side));
  const bool priced = endpoint.price_in > 0 || endpoint.price_out > 0;
  expect(options.max_cost == 0 || priced, "max_cost", "token prices", "none");
}

ChatPair pair_of(const json& entry, const std::string& where, const fs::path& root) {
  ChatPair result{example_of(entry, where, root)};
  if (entry.contains("facts")) result.facts = texts_field(entry, "facts");
  return result;
}

enum class Outcome {
  kNoPair,
  kUnasked,  ///< beyond limit or max_cost
  kGivenUp,
  kAnnotated,
};

/// Entry in progress.
struct Job {
  json entry;
  std::string where;
  int64_t number = 0;  ///< index from 0
  Outcome outcome = Outcome::kNoPair;
  std::vector<std::string> captions = {};
  std::string problem = {};
};

class Annotator {
 public:
  Annotator(const AnnotateOptions& options, const std::function<void(int64_t)>& done, std::stop_token stop)
      : options_(options),
        list_(options.list),
        done_(done),
        stop_(stop),
        purse_(options, std::move(stop)),
        root_(options.image_root.empty() ? folder_of_list(options.list) : options.image_root) {
    move_ = move_between(options.list, options.output, {.image_root = options.image_root});
    remove_leftovers(failures_path());
    writer_ = std::make_unique<ListWriter>(options.output, format_of(options.output));
  }

  AnnotateSummary run() {
    try {
      if (purse_.needs_recall()) for_each_batch([this] { recall_all(); });
      for_each_batch([this] { annotate_all(); });
    } catch (const Stopped&) {
      return summary(true);
    }
    if (counts_.pairs == 0) fail_expected({options_.list.string(), "at least one pair", "none"});
    writer_->finish();
    writer_->commit();
    commit_failures();
    return summary(false);
  }

 private:
  fs::path failures_path() const { return beside(options_.output, ".failures.jsonl"); }

  void for_each_batch(const std::function<void()>& work) {
    const auto most = static_cast<size_t>(16 * options_.endpoint.concurrency);
    int64_t number = 0;
    const auto take = [&](Job job) {
      job.number = number++;
      jobs_.push_back(std::move(job));
      if (jobs_.size() < most) return;
      work();
      jobs_.clear();
    };
    JsonPlace place;
    if (options_.on_error == OnError::kSkip) {
      place.bad_line = [&](const std::string& where, const std::string& problem) {
        take({.entry = nullptr, .where = where, .problem = problem});
      };
    }
    list_.visit(place, [&](json& entry, const std::string& where) {
      take({.entry = std::move(entry), .where = where});
    });
    work();
    jobs_.clear();
  }

  void for_each_job(int64_t threads, const std::function<void(Job&)>& work) {
    parallel_for(static_cast<int64_t>(jobs_.size()), threads, [&](int64_t i) {
      if (stop_.stop_requested()) throw Stopped{};
      work(jobs_[static_cast<size_t>(i)]);
    });
  }

  /// Adds the cost of earlier runs for these pairs to the account, so that max_cost covers all runs.
  void recall_all() {
    for_each_job(0, [this](Job& job) {
      try {
        attempt(job, [this](const ordered_json& messages) { return purse_.recall(messages); });
      } catch (const Unpaid&) {  // the rest of the conversation has not been paid for yet
        return;
      }
    });
  }

  void annotate_all() {
    // Check in order before any request: threads would report whichever bad entry they meet first.
    if (options_.on_error == OnError::kError) {
      for (const auto& job : jobs_) pair_of(job.entry, job.where, root_);
    }
    for_each_job(options_.endpoint.concurrency, [this](Job& job) { annotate(job); });
    for (auto& job : jobs_) write(job);
  }

  void annotate(Job& job) {
    try {
      attempt(job, [this](const ordered_json& messages) { return purse_.ask(messages); });
    } catch (const Spent&) {
      job.outcome = Outcome::kUnasked;
      limit_reached_ = true;
    }
    if (!job.problem.empty() && options_.on_error == OnError::kError)
      throw Error(job.where + ": " + job.problem);
    const std::lock_guard lock(mutex_);
    if (done_) done_(1);
  }

  void attempt(Job& job, const Ask& ask) {
    if (!job.problem.empty()) return;
    try {
      const auto pair = pair_of(job.entry, job.where, root_);
      job.outcome = Outcome::kUnasked;
      if (options_.limit > 0 && job.number >= options_.limit) return;
      job.outcome = Outcome::kGivenUp;
      job.captions = converse(pair, options_, ask);
      job.outcome = Outcome::kAnnotated;
    } catch (const FatalError&) {
      throw;
    } catch (const Fault&) {
      throw;
    } catch (const Error& error) {
      job.problem = error.what();
    }
  }

  void write(const Job& job) {
    if (!job.problem.empty()) list_failure(job);
    if (job.outcome == Outcome::kNoPair) {
      ++counts_.no_pairs;
      return;
    }
    ++counts_.pairs;
    auto entry = moved_entry(job.entry, move_);
    if (job.outcome == Outcome::kUnasked) ++counts_.unasked;
    if (job.outcome == Outcome::kGivenUp) ++counts_.failed;
    if (job.outcome == Outcome::kAnnotated) {
      ++counts_.annotated;
      put_captions(entry, job);
    }
    writer_->write(entry);
  }

  void put_captions(ordered_json& entry, const Job& job) const {
    auto captions = read_universal_entry(job.entry, job.where).captions;
    if (!captions.empty()) entry["original_caption"] = captions;
    if (!options_.keep) captions.clear();
    captions.insert(captions.end(), job.captions.begin(), job.captions.end());
    entry["change_caption"] = captions;
    entry["caption_source"] = caption_source::kModel;
    constexpr std::array<const char*, 4> kTasks{"merge", "rephrase", "enrich", "describe"};
    entry["annotator"] = {{"model", options_.endpoint.model},
                          {"task", kTasks[static_cast<size_t>(options_.task)]}};
  }

  void list_failure(const Job& job) {
    if (failures_ == nullptr) failures_ = std::make_unique<AtomicFile>(failures_path());
    failures_->write(json_line({{"where", job.where}, {"problem", job.problem}}) + "\n");
  }

  void commit_failures() {
    if (failures_ != nullptr) return failures_->commit();
    std::error_code code;  // failures of an earlier run do not belong to this list
    fs::remove(failures_path(), code);
  }

  AnnotateSummary summary(bool interrupted) const {
    auto summary = purse_.summary();
    summary.pairs = counts_.pairs;
    summary.annotated = counts_.annotated;
    summary.failed = counts_.failed;
    summary.no_pairs = counts_.no_pairs;
    summary.unasked = counts_.unasked;
    summary.limit_reached = limit_reached_;
    summary.interrupted = interrupted;
    return summary;
  }

  const AnnotateOptions& options_;
  ElementList list_;
  const std::function<void(int64_t)>& done_;
  std::stop_token stop_;
  ChatPurse purse_;
  fs::path root_;
  PathMove move_;
  std::unique_ptr<ListWriter> writer_;
  std::vector<Job> jobs_;
  std::mutex mutex_;
  std::atomic<bool> limit_reached_ = false;
  std::unique_ptr<AtomicFile> failures_;
  AnnotateSummary counts_;
};

constexpr int64_t kTokensOfCaption = 25;

/// Replaces images by their lengths.
void leave_out_images(ordered_json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (text.starts_with("data:image/"))
      value = fmt::format("data:image/png;base64,... ({} bytes)", text.size());
  } else if (value.is_structured()) {
    for (auto& each : value) leave_out_images(each);
  }
}

/// Requests that a run would send.
struct Plan {
  int64_t pairs = 0;
  int64_t no_pairs = 0;
  int64_t prompt_tokens = 0;  ///< of the first turns
  ordered_json first = {};    ///< first request, without its images
};

void add_to(Plan& plan, const ChatPair& pair, const AnnotateOptions& options) {
  // Images do not have to be read to count their tokens.
  auto text_only = options;
  const bool describes = options.task == AnnotateTask::kDescribe;
  if (describes) text_only.task = AnnotateTask::kEnrich;
  if (plan.first.is_null()) plan.first = chat_request(options.endpoint, first_messages(pair, options));
  ++plan.pairs;
  plan.prompt_tokens += estimated_tokens(first_messages(pair, text_only)) +
                        (describes ? 2 * estimated_tokens("data:image/") : 0);
}

Plan plan_of(const AnnotateOptions& options) {
  const auto root = options.image_root.empty() ? folder_of_list(options.list) : options.image_root;
  Plan plan;
  JsonPlace place;
  if (options.on_error == OnError::kSkip)
    place.bad_line = [&](const std::string& /*where*/, const std::string& /*problem*/) { ++plan.no_pairs; };
  visit_elements(options.list, place, [&](json& entry, const std::string& where) {
    if (options.limit > 0 && plan.pairs + plan.no_pairs == options.limit) return;
    try {
      add_to(plan, pair_of(entry, where, root), options);
    } catch (const Error&) {
      if (options.on_error == OnError::kError) throw;
      ++plan.no_pairs;
    }
  });
  if (plan.pairs == 0) fail_expected({options.list.string(), "at least one pair", "none"});
  leave_out_images(plan.first);
  return plan;
}

}  // namespace

AnnotateTask annotate_task(const std::string& name) {
  if (name == "merge") return AnnotateTask::kMerge;
  if (name == "rephrase") return AnnotateTask::kRephrase;
  if (name == "enrich") return AnnotateTask::kEnrich;
  if (name == "describe") return AnnotateTask::kDescribe;
  fail_expected({"task", "merge, rephrase, enrich or describe", fmt::format("'{}'", name)});
}

AnnotateSummary annotate(const AnnotateOptions& options, const std::function<void(int64_t)>& done,
                         std::stop_token stop) try {
  check(options);
  expect_new(options.output, options.overwrite);
  make_folder(options.output.parent_path());
  make_folder(options.journal.parent_path());
  return Annotator(options, done, std::move(stop)).run();
} catch (...) {
  rethrow_as_error();
}

std::string annotate_plan(const AnnotateOptions& options) try {
  check(options);
  const auto plan = plan_of(options);
  const auto turns = turns_of(options.task);
  const ChatTokens tokens{turns * plan.prompt_tokens,
                          plan.pairs * (options.captions + (turns - 1) * 8) * kTokensOfCaption};
  auto text = fmt::format("{} pairs, at least {} requests, about {} prompt and {} answer tokens", plan.pairs,
                          plan.pairs * turns, tokens.prompt, tokens.answer);
  if (options.endpoint.price_in > 0 || options.endpoint.price_out > 0)
    text += fmt::format(", about {:.2f} at these prices", cost_of(options.endpoint, tokens));
  if (plan.no_pairs > 0)
    text += fmt::format("\n{} entries are not pairs and would be left out", plan.no_pairs);
  return text + "\nFirst request to " + shown_url(options.endpoint.base_url) + "/chat/completions:\n" +
         plan.first.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::datasets

#include <algorithm>
#include <memory>
#include <mutex>

#include <fmt/format.h>

#include <ccexpert/core/error.h>
#include <ccexpert/datasets/annotate.h>

#include "core/atomic_file.h"
#include "datasets/chat_client.h"
#include "datasets/chat_journal.h"
#include "datasets/chat_task.h"
#include "datasets/entry.h"
#include "datasets/json_fields.h"
#include "datasets/json_stream.h"
#include "datasets/list_writer.h"
#include "datasets/parallel.h"
#include "datasets/sink.h"
#include "datasets/universal.h"

namespace ccexpert::datasets {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using nlohmann::ordered_json;

fs::path beside(const fs::path& output, const char* suffix) {
  return output.string() + suffix;
}

double cost_of(const EndpointOptions& endpoint, int64_t prompt_tokens, int64_t answer_tokens) {
  return 1e-6 * (endpoint.price_in * static_cast<double>(prompt_tokens) +
                 endpoint.price_out * static_cast<double>(answer_tokens));
}

void check(const AnnotateOptions& options) {
  const auto expect = [](bool right, const char* what, const char* expected, const std::string& got) {
    if (!right) fail({what, expected, got});
  };
  const auto& endpoint = options.endpoint;
  expect(!endpoint.model.empty(), "model", "a name that the endpoint knows", "none");
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
  expect(options.max_cost == 0 || priced, "max_cost", "prices of tokens with it", "none");
}

ChatPair pair_of(const json& entry, const std::string& where, const fs::path& root) {
  ChatPair result{example_of_any(entry, where, root)};
  if (entry.contains("facts")) result.facts = texts_field(entry, "facts");
  return result;
}

/// Asks through the journal and counts what is paid.
class Purse {
 public:
  Purse(const AnnotateOptions& options, std::stop_token stop)
      : options_(options),
        stop_(std::move(stop)),
        client_(options.endpoint),
        journal_(options.journal.empty() ? beside(options.output, ".journal.jsonl") : options.journal) {}

  std::string ask(const ordered_json& messages) {
    const auto body = json_line(chat_request(options_.endpoint, messages));
    if (auto known = journal_.find(body)) {
      const std::lock_guard lock(mutex_);
      ++summary_.from_journal;
      return known->text;
    }
    if (is_empty()) throw Stopped{};
    const auto answer = client_.ask(body, stop_);
    journal_.add(body, answer);
    const std::lock_guard lock(mutex_);
    ++summary_.requests;
    summary_.prompt_tokens += answer.prompt_tokens;
    summary_.answer_tokens += answer.answer_tokens;
    return answer.text;
  }

  bool is_empty() const {
    const std::lock_guard lock(mutex_);
    return options_.max_cost > 0 && cost() >= options_.max_cost;
  }

  AnnotateSummary summary() const {
    auto summary = summary_;
    summary.retries = client_.retries();
    summary.cost = cost();
    return summary;
  }

 private:
  double cost() const { return cost_of(options_.endpoint, summary_.prompt_tokens, summary_.answer_tokens); }

  const AnnotateOptions& options_;
  std::stop_token stop_;
  ChatClient client_;
  ChatJournal journal_;
  mutable std::mutex mutex_;
  AnnotateSummary summary_;
};

/// One entry on its way.
struct Job {
  json entry;
  std::string where;
  std::vector<std::string> captions = {};
  std::string problem = {};
  bool asked = true;
};

class Annotator {
 public:
  Annotator(const AnnotateOptions& options, const std::function<void(int64_t)>& done, std::stop_token stop)
      : options_(options),
        done_(done),
        stop_(stop),
        purse_(options, std::move(stop)),
        writer_(options.output, format_of(options.output)),
        root_(options.image_root.empty() ? options.list.parent_path() : options.image_root) {
    const ListOptions paths{.image_root = options.image_root};
    move_ = move_between(options.list, options.output, paths);
  }

  AnnotateSummary run() {
    try {
      visit_elements(options_.list, {}, [&](json& entry, const std::string& where) {
        jobs_.push_back({std::move(entry), where});
        if (static_cast<int64_t>(jobs_.size()) == 16 * options_.endpoint.concurrency) work();
      });
      work();
    } catch (const Stopped&) {
      return summary(true);
    }
    if (counts_.pairs == 0) fail({options_.list.string(), "at least one pair", "none"});
    writer_.finish();
    writer_.commit();
    if (failures_ != nullptr) failures_->commit();
    return summary(false);
  }

 private:
  void work() {
    parallel_for(static_cast<int64_t>(jobs_.size()), options_.endpoint.concurrency,
                 [&](int64_t i) { annotate(jobs_[static_cast<size_t>(i)], counts_.pairs + i); });
    for (auto& job : jobs_) write(job);
    jobs_.clear();
  }

  void annotate(Job& job, int64_t number) {
    if (stop_.stop_requested()) throw Stopped{};
    job.asked = (options_.limit == 0 || number < options_.limit);
    if (!job.asked) return;
    try {
      const auto pair = pair_of(job.entry, job.where, root_);
      job.captions =
          converse(pair, options_, [&](const ordered_json& messages) { return purse_.ask(messages); });
    } catch (const EndpointError&) {
      throw;
    } catch (const Stopped&) {
      if (stop_.stop_requested()) throw;
      job.asked = false;  // max_cost is spent
    } catch (const Error& error) {
      job.problem = error.what();
      if (options_.on_error == OnError::kError) throw Error(job.where + ": " + job.problem);
    }
    const std::lock_guard lock(mutex_);
    if (done_) done_(1);
  }

  void write(Job& job) {
    ++counts_.pairs;
    auto entry = moved_entry(job.entry, move_);
    if (!job.asked) {
      ++counts_.unasked;
    } else if (!job.problem.empty()) {
      ++counts_.failed;
      list_failure(job);
    } else {
      ++counts_.annotated;
      put_captions(entry, job);
    }
    writer_.write(entry);
  }

  void put_captions(ordered_json& entry, const Job& job) const {
    auto captions = datasets::captions_of(job.entry);
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
    if (failures_ == nullptr)
      failures_ = std::make_unique<AtomicFile>(beside(options_.output, ".failures.jsonl"));
    failures_->write(json_line({{"where", job.where}, {"problem", job.problem}}) + "\n");
  }

  AnnotateSummary summary(bool interrupted) const {
    auto summary = purse_.summary();
    summary.pairs = counts_.pairs;
    summary.annotated = counts_.annotated;
    summary.failed = counts_.failed;
    summary.unasked = counts_.unasked;
    summary.interrupted = interrupted;
    return summary;
  }

  const AnnotateOptions& options_;
  const std::function<void(int64_t)>& done_;
  std::stop_token stop_;
  Purse purse_;
  ListWriter writer_;
  fs::path root_;
  PathMove move_;
  std::vector<Job> jobs_;
  std::mutex mutex_;
  std::unique_ptr<AtomicFile> failures_;
  AnnotateSummary counts_;
};

/// A token is some four letters; an image of 512 pixels costs what these services ask for a few tiles of it.
constexpr int64_t kLettersOfToken = 4;
constexpr int64_t kTokensOfImage = 765;
constexpr int64_t kTokensOfCaption = 25;

/// Replaces pictures by their lengths.
void leave_out_images(ordered_json& value) {
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (text.starts_with("data:image/"))
      value = fmt::format("data:image/png;base64,... ({} bytes)", text.size());
  } else if (value.is_structured()) {
    for (auto& each : value) leave_out_images(each);
  }
}

}  // namespace

AnnotateTask annotate_task(const std::string& name) {
  if (name == "merge") return AnnotateTask::kMerge;
  if (name == "rephrase") return AnnotateTask::kRephrase;
  if (name == "enrich") return AnnotateTask::kEnrich;
  if (name == "describe") return AnnotateTask::kDescribe;
  fail({"task", "merge, rephrase, enrich or describe", fmt::format("'{}'", name)});
}

AnnotateSummary annotate(const AnnotateOptions& options, const std::function<void(int64_t)>& done,
                         std::stop_token stop) {
  check(options);
  expect_new(options.output, options.overwrite);
  return Annotator(options, done, std::move(stop)).run();
}

std::string annotate_plan(const AnnotateOptions& options) {
  check(options);
  const auto root = options.image_root.empty() ? options.list.parent_path() : options.image_root;
  int64_t pairs = 0, letters = 0;
  ordered_json first;
  auto text_only = options;
  text_only.task = options.task == AnnotateTask::kDescribe ? AnnotateTask::kEnrich : options.task;
  visit_elements(options.list, {}, [&](json& entry, const std::string& where) {
    if (options.limit > 0 && pairs == options.limit) return;
    const auto pair = pair_of(entry, where, root);
    if (pairs++ == 0) first = chat_request(options.endpoint, first_messages(pair, options));
    letters += static_cast<int64_t>(first_messages(pair, text_only).dump().size());
  });
  if (pairs == 0) fail({options.list.string(), "at least one pair", "none"});
  leave_out_images(first);
  const auto turns = turns_of(options.task);
  const int64_t images = options.task == AnnotateTask::kDescribe ? 2 * kTokensOfImage : 0;
  const auto prompt = turns * (letters / kLettersOfToken + pairs * images);
  const auto answers = pairs * (options.captions * kTokensOfCaption + (turns - 1) * 8 * kTokensOfCaption);
  auto text = fmt::format("{} pairs, {} requests or more, some {} prompt and {} answer tokens", pairs,
                          pairs * turns, prompt, answers);
  if (options.endpoint.price_in > 0 || options.endpoint.price_out > 0) {
    text += fmt::format(", some {:.2f} at these prices", cost_of(options.endpoint, prompt, answers));
  }
  return text + "\nFirst request to " + options.endpoint.base_url + "/chat/completions:\n" +
         first.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace ccexpert::datasets

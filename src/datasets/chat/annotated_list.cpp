#include "datasets/chat/annotated_list.h"

#include <ccexpert/core/error.h>

#include "core/files.h"
#include "core/text_file.h"
#include "core/universal_entry.h"
#include "datasets/json_stream.h"
#include "datasets/lists/entry.h"

namespace ccexpert::datasets {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

AnnotatedList::AnnotatedList(const AnnotateOptions& options)
    : options_(options),
      move_(move_between(options.list, options.output, {.image_root = options.image_root})) {
  remove_leftovers(failures_path());
  writer_ = std::make_unique<ListWriter>(options.output, format_of(options.output));
}

fs::path AnnotatedList::failures_path() const {
  return options_.output.string() + ".failures.jsonl";
}

void AnnotatedList::write(const AnnotateJob& job) {
  if (!job.problem.empty()) list_failure(job);
  count(job.outcome);
  if (job.outcome == AnnotateOutcome::kNoPair) return;
  auto entry = moved_entry(job.entry, move_);
  if (job.outcome == AnnotateOutcome::kAnnotated) put_captions(entry, job);
  writer_->write(entry);
}

void AnnotatedList::count(AnnotateOutcome outcome) {
  if (outcome == AnnotateOutcome::kNoPair) {
    ++counts_.no_pairs;
    return;
  }
  ++counts_.pairs;
  if (outcome == AnnotateOutcome::kUnasked) ++counts_.unasked;
  if (outcome == AnnotateOutcome::kGivenUp) ++counts_.failed;
  if (outcome == AnnotateOutcome::kAnnotated) ++counts_.annotated;
}

void AnnotatedList::put_captions(ordered_json& entry, const AnnotateJob& job) const {
  auto captions = read_universal_entry(job.entry, job.where).captions;
  if (!captions.empty()) entry["original_caption"] = captions;
  if (!options_.keep) captions.clear();
  captions.insert(captions.end(), job.captions.begin(), job.captions.end());
  entry["change_caption"] = captions;
  entry["caption_source"] = caption_source::kModel;
  entry["annotator"] = {{"model", options_.endpoint.model}, {"task", name_of(options_.task)}};
}

void AnnotatedList::list_failure(const AnnotateJob& job) {
  if (failures_ == nullptr) failures_ = std::make_unique<AtomicFile>(failures_path());
  failures_->write(json_line({{"where", job.where}, {"problem", job.problem}}) + "\n");
}

void AnnotatedList::commit() {
  if (counts_.pairs == 0) fail_expected({options_.list.string(), "at least one pair", "none"});
  writer_->finish();
  writer_->commit();
  commit_failures();
}

void AnnotatedList::commit_failures() {
  if (failures_ != nullptr) return failures_->commit();
  std::error_code code;  // failures of an earlier run do not belong to this list
  fs::remove(failures_path(), code);
}

}  // namespace ccexpert::datasets

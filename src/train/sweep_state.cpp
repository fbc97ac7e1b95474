#include "train/shared/sweep_state.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/files.h"
#include "core/foreign_errors.h"
#include "core/json.h"
#include "train/run_folder.h"
#include "train/trainer.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kRecordFile = "run.json";
constexpr const char* kSummaryFile = "summary.json";

fs::path record_file(const SweepRun& run) {
  return run.folder / kRecordFile;
}

/// True if captions of this record have the pairs and options of the sweep.
bool has_captions_of(const SweepCaptions& captions, const RunRecord& record) {
  return record.pairs == captions.pairs && record.options == captions.options;
}

/// True if nothing of what the sweep asks for is missing.
bool is_complete(const Sweep& sweep, const SweepRun& run, const RunRecord& record) {
  const auto jobs = caption_jobs(sweep.captions, run);
  return std::ranges::all_of(run.stages, is_finished) &&
         (jobs.empty() || has_captions_of(sweep.captions, record)) &&
         std::ranges::all_of(jobs, [](const SweepCaptionJob& job) { return is_there(job.captions); });
}

/// Removes the captions of the stages from `first` on, also those that the sweep no longer asks for.
void remove_captions(const Sweep& sweep, const SweepRun& run, size_t first) {
  auto captions = sweep.captions;
  captions.every_stage = true;
  const auto jobs = caption_jobs(captions, run);
  for (size_t i = first; i < jobs.size(); ++i) {
    std::error_code code;
    fs::remove(jobs[i].captions, code);
    if (code) fail_system(jobs[i].captions.string(), "cannot be removed", code.value());
  }
}

/// Returns the texts of an array, or nothing if the key is missing.
std::vector<std::string> texts_of(const nlohmann::json& object, const char* key, const std::string& source) {
  const auto found = object.find(key);
  if (found == object.end()) return {};
  const auto is_text = [](const auto& each) { return each.is_string(); };
  if (!found->is_array() || !std::ranges::all_of(*found, is_text))
    fail_expected({source + ": " + key, "an array of texts", json_shown(*found)});
  return found->get<std::vector<std::string>>();
}

StageScore score_of(const TrainConfig& stage, const fs::path& trainer) {
  const auto source = trainer.string();
  const auto object = parse_json(read_file(trainer), source);
  const auto found = object.find("progress");
  if (found == object.end() || !found->is_object())
    fail_expected({source + ": progress", "an object", "none"});
  return {.stage = stage.name,
          .step = json_value(*found, "step", int64_t{0}, source),
          .metric = json_value(*found, "metric", std::string(), source),
          .score = json_value(*found, "best", 0.0, source),
          .best_step = json_value(*found, "best_step", int64_t{0}, source)};
}

ordered_json to_json(const StageScore& score) {
  ordered_json object{{"name", score.stage}, {"step", score.step}};
  if (score.best_step == 0) return object;
  object["metric"] = score.metric;
  object["best"] = score.score;
  object["best_step"] = score.best_step;
  return object;
}

ordered_json to_json(const Sweep& sweep, const SweepRun& run) {
  const auto record = read_record(sweep, run);
  ordered_json object{{"row", run.row},
                      {"seed", run.seed},
                      {"folder", run.folder.string()},
                      {"state", name_of(record.state)},
                      {"exit_code", record.exit_code},
                      {"seconds", record.seconds},
                      {"stages", ordered_json::array()}};
  for (const auto& score : stage_scores(run)) object["stages"].push_back(to_json(score));
  return object;
}

/// Returns "stage1 50, stage2 80 (loss 1.2345 at 60)".
std::string in_words(const std::vector<StageScore>& scores) {
  std::string text;
  for (const auto& score : scores) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", score.stage, score.step);
    if (score.best_step > 0)
      text += fmt::format(" ({} {:.4f} at {})", score.metric, score.score, score.best_step);
  }
  return text.empty() ? "no checkpoint" : text;
}

}  // namespace

RunRecord read_record(const Sweep& sweep, const SweepRun& run) try {
  const auto file = record_file(run);
  if (!is_there(file)) return {};
  const auto object = parse_json(read_file(file), file.string());
  if (!object.is_object()) fail_expected({file.string(), "an object", json_shown(object)});
  RunRecord record{.state = json_value(object, "state", RunState::kWaiting, file.string()),
                   .exit_code = json_value(object, "exit_code", int64_t{0}, file.string()),
                   .seconds = json_value(object, "seconds", 0.0, file.string()),
                   .pairs = json_value(object, "pairs", std::string(), file.string()),
                   .options = texts_of(object, "options", file.string())};
  if (record.state == RunState::kFinished && !is_complete(sweep, run, record))
    record.state = RunState::kStarted;
  return record;
} catch (...) {
  rethrow_as_error();
}

void start_record(const Sweep& sweep, const SweepRun& run, RunRecord& record) try {
  // A later stage starts from the model of the one before.
  const auto unfinished = std::ranges::find_if_not(run.stages, is_finished) - run.stages.begin();
  const bool same = has_captions_of(sweep.captions, record);
  remove_captions(sweep, run, same ? static_cast<size_t>(unfinished) : 0);
  record.state = RunState::kStarted;
  record.pairs = sweep.captions.pairs;
  record.options = sweep.captions.options;
  write_record(run, record);
} catch (...) {
  rethrow_as_error();
}

void write_record(const SweepRun& run, const RunRecord& record) {
  make_folder(run.folder);
  const ordered_json object{{"state", name_of(record.state)}, {"exit_code", record.exit_code},
                            {"seconds", record.seconds},      {"last_stage", run.stages.back().name},
                            {"pairs", record.pairs},          {"options", record.options}};
  write_file(record_file(run), object.dump(2) + "\n");
}

std::vector<StageScore> stage_scores(const SweepRun& run) try {
  std::vector<StageScore> scores;
  for (const auto& stage : run.stages) {
    const auto trainer = RunFolder(stage.output).last() / "trainer.json";
    if (is_there(trainer)) scores.push_back(score_of(stage, trainer));
  }
  return scores;
} catch (...) {
  rethrow_as_error();
}

void write_summary(const Sweep& sweep, const std::vector<SweepRun>& runs) try {
  ordered_json all = ordered_json::array();
  for (const auto& run : runs) all.push_back(to_json(sweep, run));
  make_folder(sweep.output);
  write_file(fs::path(sweep.output) / kSummaryFile, ordered_json{{"runs", all}}.dump(2) + "\n");
} catch (...) {
  rethrow_as_error();
}

std::string summary_table(const Sweep& sweep, const std::vector<SweepRun>& runs) try {
  size_t width = 0;
  for (const auto& run : runs) width = std::max(width, run.title().size());
  std::string text;
  for (size_t i = 0; i < runs.size(); ++i) {
    const auto record = read_record(sweep, runs[i]);
    text += fmt::format("{:>4}  {:<{}}  {:<8}  {:>8.0f} s  {}\n", i + 1, runs[i].title(), width,
                        name_of(record.state), record.seconds, in_words(stage_scores(runs[i])));
  }
  return text;
} catch (...) {
  rethrow_as_error();
}

}  // namespace ccexpert::train

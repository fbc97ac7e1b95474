#include "train/run_log.h"

#include <cmath>
#include <fstream>
#include <map>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>
#include <ccexpert/core/log.h>

#include "core/files.h"
#include "train/log_line.h"
#include "train/report.h"
#include "train/sample_json.h"
#include "train/tensorboard.h"

namespace ccexpert::train {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr double kGigabyte = 1e9;

double per_second(double amount, double seconds) {
  return seconds > 0.0 ? amount / seconds : 0.0;
}

std::map<std::string, double> values_of(const StepLine& line) {
  std::map<std::string, double> values{
      {"loss", line.caption_loss},
      {"grad_norm", line.grad_norm},
      {"learning_rate", line.learning_rate},
      {"epoch", line.epoch},
      {"seconds", line.seconds},
      {"tokens_per_second", per_second(static_cast<double>(line.tokens), line.seconds)},
      {"pairs_per_second", per_second(static_cast<double>(line.samples), line.seconds)},
      {"data_wait_share", per_second(line.wait_seconds, line.seconds)},
      {"memory_gb", line.memory / kGigabyte},
      {"skipped_updates", static_cast<double>(line.skipped_updates)},
      {"skipped_samples", static_cast<double>(line.skipped_samples)}};
  if (line.mask_loss > 0.0) values["mask_loss"] = line.mask_loss;
  if (line.class_loss > 0.0) values["class_loss"] = line.class_loss;
  if (line.image_token_loss > 0.0) values["image_token_loss"] = line.image_token_loss;
  if (line.reward) values["reward"] = *line.reward;
  if (line.peak_flops > 0.0) values["mfu"] = per_second(line.flops, line.seconds) / line.peak_flops;
  return values;
}

std::string duration(double seconds) {
  const int64_t minutes = std::llround(seconds / 60.0);
  if (minutes < 60) return fmt::format("{} min", minutes);
  return fmt::format("{} h {:02} min", minutes / 60, minutes % 60);
}

/// Returns the log without lines after `step` or `evaluated` and without a line that a kill truncated.
std::string kept_lines(const fs::path& path, int64_t step, int64_t evaluated) {
  if (!is_there(path)) return {};
  std::string kept, text = read_file(path);
  int64_t damaged = 0;
  for (size_t start = 0; start < text.size();) {
    const size_t end = text.find('\n', start);
    if (end == std::string::npos) break;
    const auto line = text.substr(start, end - start + 1);
    start = end + 1;
    const auto entry = parse_log_line(line);
    if (!entry) {
      ++damaged;
      continue;
    }
    if (entry->step <= (entry->event == LogEvent::kEvaluation ? evaluated : step)) kept += line;
  }
  if (damaged > 0) log::warning(fmt::format("{}: left out {} damaged lines", path.string(), damaged));
  return kept;
}

}  // namespace

std::string to_text(const StepLine& line) {
  const auto values = values_of(line);
  auto text = fmt::format(
      "step {}/{} | epoch {:.3f} | loss {:.4f} | norm {:.3f} | lr {:.2e} | {:.0f} ms | {:.0f} tokens/s | "
      "{:.1f} pairs/s | "
      "data {:.0f} % | {:.2f} GB",
      line.step, line.steps, line.epoch, line.caption_loss, line.grad_norm, line.learning_rate,
      line.seconds * 1e3, values.at("tokens_per_second"), values.at("pairs_per_second"),
      100.0 * values.at("data_wait_share"), values.at("memory_gb"));
  if (line.mask_loss > 0.0) text += fmt::format(" | mask {:.4f}", line.mask_loss);
  if (line.class_loss > 0.0) text += fmt::format(" | classes {:.4f}", line.class_loss);
  if (line.image_token_loss > 0.0) text += fmt::format(" | image tokens {:.4f}", line.image_token_loss);
  if (line.reward) text += fmt::format(" | reward {:.4f}", *line.reward);
  if (line.peak_flops > 0.0) text += fmt::format(" | MFU {:.1f} %", 100.0 * values.at("mfu"));
  if (line.skipped_updates > 0) text += fmt::format(" | {} updates skipped", line.skipped_updates);
  if (line.skipped_samples > 0) text += fmt::format(" | {} samples left out", line.skipped_samples);
  return text + fmt::format(" | {} left", duration(line.seconds_left));
}

class RunLog::Impl {
 public:
  Impl(const RunFolder& folder, int64_t step, int64_t evaluated,
       std::function<void(std::string_view)> on_entry)
      : folder_(folder), board_(folder.root(), step), on_entry_(std::move(on_entry)) {
    const auto kept = kept_lines(folder.log(), step, evaluated);
    write_file(folder.log(), kept);
    log_.open(folder.log(), std::ios::app);
  }

  void append(const ordered_json& object) {
    // NaN and infinity become null, since JSON has neither.
    const auto line = to_line(object);
    log_ << line << "\n" << std::flush;
    if (!log_) fail(folder_.log().string(), "cannot be written");
    if (on_entry_) on_entry_(line);
  }

  const RunFolder folder_;
  TensorBoardWriter board_;
  std::ofstream log_;
  std::function<void(std::string_view)> on_entry_;
};

RunLog::RunLog(const RunFolder& folder, int64_t step, int64_t evaluated,
               std::function<void(std::string_view)> on_entry)
    : impl_(std::make_unique<Impl>(folder, step, evaluated, std::move(on_entry))) {}
RunLog::~RunLog() = default;

void RunLog::write(const StepLine& line) {
  const auto values = values_of(line);
  ordered_json object{{"event", name_of(LogEvent::kStep)}, {"step", line.step}};
  for (const auto& [name, value] : values) object[name] = value;
  impl_->append(object);
  impl_->board_.scalars(line.step, values);
  log::info(to_text(line));
}

void RunLog::write(const EvaluationLine& line) {
  ordered_json samples = ordered_json::array();
  for (const auto& sample : line.samples) samples.push_back(to_json(sample));
  ordered_json scores = ordered_json::object();
  std::map<std::string, double> scalars{{"validation/loss", line.caption_loss},
                                        {"validation/" + text_of(line.metric), line.score}};
  for (const auto& [name, score] : line.scores) {
    scores[name] = score;
    scalars["validation/" + name] = score;
  }
  impl_->append({{"event", name_of(LogEvent::kEvaluation)},
                 {"step", line.step},
                 {"pairs", line.pairs},
                 {"loss", line.caption_loss},
                 {"metric", name_of(line.metric)},
                 {"score", line.score},
                 {"scores", scores},
                 {"best", line.best},
                 {"seconds", line.seconds},
                 {"skipped_samples", line.skipped},
                 {"samples", samples}});
  impl_->board_.scalars(line.step, scalars);
  const auto score = line.metric == Metric::kLoss
                         ? std::string()
                         : fmt::format(", {} {:.4f}", name_of(line.metric), line.score);
  log::info(fmt::format("evaluation at step {}: {} pairs, loss {:.4f}{}{}, {:.1f} s{}", line.step, line.pairs,
                        line.caption_loss, score, line.best ? " (best so far)" : "", line.seconds,
                        line.skipped > 0 ? fmt::format(", {} samples left out", line.skipped) : ""));
  for (const auto& sample : line.samples) {
    log::info(fmt::format("  {}: {} (reference: {})", sample.uid, sample.caption,
                          sample.references.empty() ? "none" : sample.references.front()));
  }
}

void RunLog::note(const std::string& text) {
  impl_->append({{"event", name_of(LogEvent::kNote)}, {"text", text}});
  log::info(text);
}

void RunLog::write_report(const std::string& title, const std::string& config_yaml) const {
  write_file(impl_->folder_.report(), report_html(title, config_yaml, read_file(impl_->folder_.log())));
}

}  // namespace ccexpert::train

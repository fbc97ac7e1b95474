// What a run says while it goes: a line on the terminal, log.jsonl, TensorBoard.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <ccexpert/train/run_folder.h>

namespace ccexpert::train {

/// One optimiser step as it is logged.
struct StepLine {
  int64_t step = 0;   ///< counted from 1
  int64_t steps = 0;  ///< of the run
  double epoch = 0.0;
  double loss = 0.0;
  double mask_loss = 0.0;   ///< 0 where the objective has none
  double class_loss = 0.0;  ///< likewise
  double token_loss = 0.0;  ///< likewise
  double grad_norm = 0.0;
  double learning_rate = 0.0;
  double seconds = 0.0;
  double wait_seconds = 0.0;  ///< of them, spent waiting for data by the rank that waited longest
  int64_t tokens = 0;
  int64_t samples = 0;
  double flops = 0.0;       ///< of the step, on all ranks
  double peak_flops = 0.0;  ///< that the hardware could do a second (0: unknown)
  double memory = 0.0;      ///< bytes, most so far on any rank
  int64_t skipped_updates = 0;
  int64_t skipped_samples = 0;  ///< left out on all ranks
  double seconds_left = 0.0;
};

struct SampleCaption {
  std::string uid;
  std::filesystem::path before;
  std::filesystem::path after;
  std::string caption;
  std::vector<std::string> references;
};

struct EvaluationLine {
  int64_t step = 0;
  int64_t pairs = 0;
  int64_t skipped = 0;  ///< pairs and captions that were left out
  double loss = 0.0;
  double seconds = 0.0;
  std::string metric;
  double score = 0.0;
  bool best = false;
  std::vector<SampleCaption> samples = {};
  std::vector<std::pair<std::string, double>> scores = {};  ///< all that were computed, `score` among them
};

/// Only the first rank has one.
class RunLog {
 public:
  /// Goes on with the run's log behind `step` and the evaluation at step `evaluated`: what a killed run
  /// logged beyond its last checkpoint is taken out.
  RunLog(const RunFolder& folder, int64_t step, int64_t evaluated);
  ~RunLog();

  void write(const StepLine& line);
  void write(const EvaluationLine& line);
  /// A sentence for people, in the log as well.
  void note(const std::string& text);
  /// Writes report.html from the log.
  void write_report(const std::string& title, const std::string& config_yaml) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// "loss 2.3102 | …", all of a step on one line.
std::string to_text(const StepLine& line);

}  // namespace ccexpert::train

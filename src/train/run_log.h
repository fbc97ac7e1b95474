// Log of a run: terminal, log.jsonl, TensorBoard.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <ccexpert/train/choices.h>

#include "train/run_folder.h"

namespace ccexpert::train {

/// Logged values of one optimiser step.
struct StepLine {
  int64_t step = 0;   ///< counted from 1
  int64_t steps = 0;  ///< total of the run
  double epoch = 0.0;
  double caption_loss = 0.0;
  double mask_loss = 0.0;             ///< 0 if the objective lacks it
  double class_loss = 0.0;            ///< likewise
  double image_token_loss = 0.0;      ///< likewise
  std::optional<double> reward = {};  ///< mean reward of the captions drawn; nothing without rewards
  double grad_norm = 0.0;
  double learning_rate = 0.0;
  double seconds = 0.0;
  double wait_seconds = 0.0;  ///< part of `seconds` that the slowest rank waited for data
  int64_t tokens = 0;
  int64_t samples = 0;
  double flops = 0.0;       ///< of the step, on all ranks
  double peak_flops = 0.0;  ///< peak of the hardware per second (0: unknown)
  double memory = 0.0;      ///< peak so far on any rank, in bytes
  int64_t skipped_updates = 0;
  int64_t skipped_samples = 0;  ///< sum over ranks
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
  int64_t skipped = 0;  ///< number of pairs and captions left out
  double caption_loss = 0.0;
  double seconds = 0.0;
  Metric metric = Metric::kLoss;
  double score = 0.0;
  bool best = false;
  std::vector<SampleCaption> samples = {};
  std::vector<std::pair<std::string, double>> scores = {};  ///< all computed scores, including `score`
};

/// Exists only on rank 0.
class RunLog {
 public:
  /// Continues the run's log after `step` and the evaluation at step `evaluated`, and removes what a killed
  /// run logged after its last checkpoint. `on_entry`, if set, gets each new line of log.jsonl.
  RunLog(const RunFolder& folder, int64_t step, int64_t evaluated,
         std::function<void(std::string_view)> on_entry = nullptr);
  ~RunLog();

  void write(const StepLine& line);
  void write(const EvaluationLine& line);
  /// Writes a sentence to the terminal and the log.
  void note(const std::string& text);
  /// Writes report.html from the log.
  void write_report(const std::string& title, const std::string& config_yaml) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

/// Returns a step as one line, "loss 2.3102 | …".
std::string to_text(const StepLine& line);

}  // namespace ccexpert::train

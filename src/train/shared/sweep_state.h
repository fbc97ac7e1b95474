/// State of a sweep's runs, as their folders hold it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ccexpert/core/names.h>

#include "train/shared/sweep.h"

namespace ccexpert::train {

enum class RunState {
  kWaiting,
  kStarted,
  kFinished,
  kStopped,  ///< by a signal
  kFailed,
};
constexpr auto names_of(RunState) {
  return std::to_array<Name<RunState>>({{RunState::kWaiting, "waiting"},
                                        {RunState::kStarted, "started"},
                                        {RunState::kFinished, "finished"},
                                        {RunState::kStopped, "stopped"},
                                        {RunState::kFailed, "failed"}});
}

/// Content of FOLDER/run.json.
struct RunRecord {
  RunState state = RunState::kWaiting;
  int64_t exit_code = 0;
  double seconds = 0.0;                   ///< of all starts together
  std::string pairs = {};                 ///< captions.pairs of the run's captions
  std::vector<std::string> options = {};  ///< captions.options of them
};

/// Returns the record of a run; without the file, a waiting one. A finished run counts as started if it lacks
/// steps or captions that the sweep asks for now, or if its captions are of other pairs or options. Throws
/// Error for a file that does not hold a record.
RunRecord read_record(const Sweep& sweep, const SweepRun& run);

/// Writes the record of a run that starts. Before that, removes captions that would become those of an
/// earlier model, as its stage trains on, or that are of other pairs or options than the sweep's. Throws
/// Error.
void start_record(const Sweep& sweep, const SweepRun& run, RunRecord& record);

/// Throws Error if the file cannot be written.
void write_record(const SweepRun& run, const RunRecord& record);

/// Progress of a stage, from its newest checkpoint.
struct StageScore {
  std::string stage;
  int64_t step = 0;
  std::string metric;     ///< of `score`; empty without an evaluation
  double score = 0.0;     ///< of the best checkpoint
  int64_t best_step = 0;  ///< 0 without an evaluation
};

/// Returns the progress of each stage that has a checkpoint.
std::vector<StageScore> stage_scores(const SweepRun& run);

/// Writes OUTPUT/summary.json from the folders of all runs, so that concurrent tasks of a sweep agree.
void write_summary(const Sweep& sweep, const std::vector<SweepRun>& runs);

/// Returns a line per run: number from 1, row and seed, state, time, steps and scores of its stages.
std::string summary_table(const Sweep& sweep, const std::vector<SweepRun>& runs);

}  // namespace ccexpert::train

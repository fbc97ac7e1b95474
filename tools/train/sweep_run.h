// Runs of a sweep, one after the other or one of them.
#pragma once

#include <functional>
#include <vector>

#include <ccexpert/train/config.h>

#include "train/shared/sweep.h"
#include "train/train_options.h"

namespace ccexpert::tools {

/// Trains stages in this process, as one of the ranks of a launcher; returns the exit code.
using TrainHere = std::function<int(const TrainCommand&, const std::vector<train::TrainConfig>&)>;

/// Trains the runs of a sweep that are not finished, or the one of --row or of a Slurm array task, each in
/// processes of its own, and captions with their models. A failed run is reported, and the others go on.
/// Returns 3 if one failed, and 128 plus the signal after SIGINT or SIGTERM. If a launcher started several
/// ranks, they train one run together by `train_here`. Throws Error.
int run_sweep(const TrainCommand& command, const TrainHere& train_here);

/// Number of the run, from 1, that --row or SLURM_ARRAY_TASK_ID names; 0 for all. Throws Error for a number
/// above `runs`.
int64_t chosen_run(const TrainCommand& command, int64_t runs);

}  // namespace ccexpert::tools

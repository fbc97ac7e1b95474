// ccexpert-eval --calibrate.
#pragma once

#include "eval/eval_options.h"

namespace ccexpert::tools {

/// Fits the calibration of change scores to the predictions and writes it; tells its quality on standard
/// error. Returns the exit code. Throws Error for predictions without change_score, for pairs without a
/// prediction, and for too few pairs.
int run_calibration(const EvalCommand& command);

}  // namespace ccexpert::tools

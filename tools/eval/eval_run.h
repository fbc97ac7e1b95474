// Computations of ccexpert-eval.
#pragma once

#include <memory>

#include "eval/eval_options.h"
#include "eval/scored.h"

namespace ccexpert::tools {

/// Returns METEOR's index, or null with --no-meteor. Reports a build of the index on standard error.
std::shared_ptr<const eval::MeteorData> meteor_of(const EvalCommand& command);

/// Reads the predictions and their references. Throws Error.
eval::EvaluationSet evaluation_set_of(const EvalCommand& command);

/// Reads and scores the files. Throws Error.
EvalResult evaluate(const EvalCommand& command, const std::shared_ptr<const eval::MeteorData>& meteor);

/// Reports unscored entries on standard error. Returns the exit code.
int report_coverage(const EvalCommand& command, const EvalResult& result);

}  // namespace ccexpert::tools

// What ccexpert-eval computes.
#pragma once

#include <memory>

#include "eval/eval_options.h"
#include "eval/scored.h"

namespace ccexpert::tools {

/// METEOR's index, or nothing where the command leaves METEOR out. Says on standard error that it is built.
std::shared_ptr<const eval::MeteorData> meteor_of(const EvalCommand& command);

/// Reads and scores. Throws Error.
EvalResult evaluate(const EvalCommand& command, const std::shared_ptr<const eval::MeteorData>& meteor);

/// Says what could not be scored, on standard error. Returns the exit code.
int report_coverage(const EvalCommand& command, const EvalResult& result);

}  // namespace ccexpert::tools

// Entry point of ccexpert-eval.
#pragma once

namespace ccexpert::tools {

struct EvalCommand;

int run_eval_command(int count, const char* const* arguments);

/// Runs the command: scores and writes the requested outputs; returns the exit code. Throws Error.
int run_eval(const EvalCommand& command);

}  // namespace ccexpert::tools

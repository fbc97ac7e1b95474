// ccexpert-eval from arguments to exit code.
#pragma once

namespace ccexpert::tools {

struct EvalCommand;

int run_eval_command(int count, const char* const* arguments);

/// Scores and writes what the command asks for; returns the exit code. Throws Error.
int run_eval(const EvalCommand& command);

}  // namespace ccexpert::tools

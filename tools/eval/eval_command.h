// ccexpert-eval from arguments to exit code.
#pragma once

namespace ccexpert::tools {

int run_eval_command(int count, const char* const* arguments);

}  // namespace ccexpert::tools

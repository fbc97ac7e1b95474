// ccexpert-train: training stages from a YAML file.
#pragma once

namespace ccexpert::tools {

/// Returns the exit code.
int run_train_command(int count, const char* const* arguments);

}  // namespace ccexpert::tools

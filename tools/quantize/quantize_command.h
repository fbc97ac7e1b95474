// The command ccexpert-quantize.
#pragma once

namespace ccexpert::tools {

/// Returns the exit code.
int run_quantize_command(int count, const char* const* arguments);

}  // namespace ccexpert::tools

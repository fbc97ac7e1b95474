// Entry point of ccexpert-serve.
#pragma once

namespace ccexpert::tools {

int run_serve_command(int count, const char* const* arguments);

}  // namespace ccexpert::tools

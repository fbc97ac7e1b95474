// Entry point of ccexpert-watch.
#pragma once

namespace ccexpert::tools {

int run_watch_command(int count, const char* const* arguments);

}  // namespace ccexpert::tools

// Entry point of ccexpert-map.
#pragma once

namespace ccexpert::tools {

int run_map_command(int count, const char* const* arguments);

}  // namespace ccexpert::tools

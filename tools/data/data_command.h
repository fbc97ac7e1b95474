// Entry point of ccexpert-data.
#pragma once

namespace ccexpert::tools {

int run_data_command(int count, const char* const* arguments);

}  // namespace ccexpert::tools

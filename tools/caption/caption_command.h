// Entry point of ccexpert-caption.
#pragma once

namespace ccexpert::tools {

int run_caption_command(int count, const char* const* arguments);

}  // namespace ccexpert::tools

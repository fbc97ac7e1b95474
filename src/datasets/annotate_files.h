// The place that a run of annotate writes to.
#pragma once

#include <filesystem>

namespace ccexpert::datasets {

/// Makes the folder that a file is to be in.
void make_folder_of(const std::filesystem::path& file);

}  // namespace ccexpert::datasets

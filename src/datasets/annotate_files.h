// The place that a run of annotate writes to.
#pragma once

#include <filesystem>

namespace ccexpert::datasets {

/// Makes the folder that a file is to be in.
void make_folder_of(const std::filesystem::path& file);

/// Removes what AtomicFile for this file left behind where its process was killed. Only for files that no
/// other process may be writing, on this machine or another.
void remove_leftovers(const std::filesystem::path& file);

}  // namespace ccexpert::datasets

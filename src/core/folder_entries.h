// Listing of a folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace ccexpert {

/// Returns the paths of at most `limit` entries of a folder, sorted. Throws Error, with the system's reason,
/// if the folder does not exist or cannot be read.
std::vector<std::filesystem::path> folder_entries(const std::filesystem::path& folder,
                                                  size_t limit = SIZE_MAX);

}  // namespace ccexpert

// Content of a folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace ccexpert {

/// Returns the paths of at most `limit` entries of a folder, sorted. Throws Error, with the system's reason,
/// if the folder does not exist or cannot be read.
std::vector<std::filesystem::path> folder_entries(const std::filesystem::path& folder,
                                                  size_t limit = SIZE_MAX);

/// Throws Error unless `folder` is empty or does not exist yet.
void expect_free_folder(const std::filesystem::path& folder);

}  // namespace ccexpert

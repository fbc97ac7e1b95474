// Rasters of a folder.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace ccexpert::geo {

/// Returns the rasters directly in a folder, or also in the folders below it, sorted by name. Hidden files
/// and folders are left out; a folder that links lead to is read once. Throws Error if the folder cannot be
/// read.
std::vector<std::filesystem::path> raster_files(const std::filesystem::path& folder,
                                                bool with_folders = false);

/// Returns the endings of raster_files for messages.
std::string raster_endings();

}  // namespace ccexpert::geo

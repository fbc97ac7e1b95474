// Folder of a checkpoint's files.
#pragma once

#include <filesystem>

namespace ccexpert::io {

/// Returns the folder with config.json: `folder` itself, or the snapshot of a hub's cache folder that
/// refs/main names. Throws Error if there is none.
std::filesystem::path resolve_folder(const std::filesystem::path& folder);

}  // namespace ccexpert::io

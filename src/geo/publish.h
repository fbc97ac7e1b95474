// Layers and summary of a map, from the journals of its shards.
#pragma once

#include <filesystem>
#include <span>

#include <ccexpert/geo/map.h>

#include "geo/journal.h"

namespace ccexpert::geo {

/// Writes all files of a map; each appears whole. The journals are complete and have all shards.
MapSummary publish(std::span<const JournalReader> journals, const std::filesystem::path& output);

/// Returns the files that publish() writes.
std::vector<std::filesystem::path> published_files(const std::filesystem::path& output,
                                                   const std::filesystem::path& heatmap);

}  // namespace ccexpert::geo

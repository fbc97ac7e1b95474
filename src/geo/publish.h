// Layers and summary of a map, from the journals of its shards.
#pragma once

#include <filesystem>
#include <span>

#include <ccexpert/geo/map.h>

#include "geo/journal.h"

namespace ccexpert::geo {

/// Writes all files of a map, by the plan of the first journal; each appears whole. The journals are complete
/// and have all shards.
MapSummary publish(std::span<const JournalReader> journals, const std::filesystem::path& output);

/// Throws Error if files of the map cannot be written, before its tiles are captioned.
void expect_publishable(const std::filesystem::path& output, const std::filesystem::path& heatmap);

/// True if the output is there, and its summary is that of a map with this identity. Throws Error if that map
/// lacks a raster of change or a report that is asked for, or was made by another choice of --merge.
bool is_published(const MapOptions& options, const std::string& identity);

/// Returns the files that publish() writes.
std::vector<std::filesystem::path> published_files(const std::filesystem::path& output,
                                                   const std::filesystem::path& heatmap,
                                                   bool is_series = false);

/// Throws Error if the raster of change or the report would replace another file of the same map.
void expect_distinct(const std::filesystem::path& output, const std::filesystem::path& heatmap,
                     const std::filesystem::path& report, bool is_series);

}  // namespace ccexpert::geo

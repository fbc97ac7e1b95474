// Layers, timeline, summary and page of a map of a series.
#pragma once

#include <filesystem>
#include <span>

#include <ccexpert/geo/map.h>

#include "geo/journal.h"

namespace ccexpert::geo {

/// Does what publish() does, for journals whose plan has a series.
MapSummary publish_series(std::span<const JournalReader> journals, const std::filesystem::path& output);

}  // namespace ccexpert::geo

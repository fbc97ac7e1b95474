// Dates of a series of rasters (--series).
#pragma once

#include <filesystem>
#include <vector>

#include "map/map_options.h"

namespace ccexpert::tools {

/// Returns the dates of a folder of rasters, in the order of their names, or of a list, in its order, with
/// their times if names or tags have them. Throws Error for fewer than two, and for several places.
std::vector<geo::SceneDate> dates_of(const std::filesystem::path& folder_or_list);

/// Reads the series of a command, if it has one, and lets the captioner keep the features of all dates.
void take_series(MapCommand& command);

}  // namespace ccexpert::tools

// Tiles of a series of dates.
#pragma once

#include <cstdint>
#include <vector>

#include <ccexpert/geo/map.h>

#include "geo/journal.h"
#include "geo/tile_reader.h"

namespace ccexpert::geo {

/// Returns a result for each tile, whose pairs are its steps from date to date, each followed by the dates
/// around its later one if these were compared, and the first against the last of more than two dates. A date
/// whose both steps tell of a change is examined: if its neighbours show none between them, the change comes
/// and goes.
std::vector<TileResult> series_results(const std::vector<ReadTile>& tiles, const MapOptions& options,
                                       const MapModel& model, double threshold);

}  // namespace ccexpert::geo

// Page with a card for each changed tile of a map.
#pragma once

#include <span>

#include "geo/journal.h"

namespace ccexpert::geo {

/// Writes the report that the plan names: the tiles that tell of a change, up to 1,000 with the highest
/// scores, each with its dates under a slider, its heatmap and its place. The tiles of a series are places
/// with dates.
void write_map_report(std::span<const JournalReader> journals);

}  // namespace ccexpert::geo

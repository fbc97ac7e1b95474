// Ground below a change, as it was before.
#pragma once

#include <vector>

#include "synth/facts.h"

namespace ccexpert::synth {

/// True if a building is at the point at a date.
bool is_built_over(const Scene& scene, Point point, int date);

/// Returns the cover at the first date below points of a change; mixed also if buildings were on an eighth of
/// them.
Cover former_cover(const Scene& scene, const std::vector<Point>& points);

}  // namespace ccexpert::synth

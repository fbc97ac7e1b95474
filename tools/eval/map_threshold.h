// Choice of the smallest value of a changed pixel, by masks.
#pragma once

#include <filesystem>

#include "eval/shared/caption_files.h"

namespace ccexpert::tools {

struct MapThreshold {
  double threshold = 0.0;
  double overlap = 0.0;  ///< intersection over union of changed pixels at it, of all masks together
  int64_t masks = 0;     ///< 0: no pair has a map and a mask
};

/// Returns the threshold with the largest overlap of maps and masks. Throws Error for a mask that cannot be
/// read.
MapThreshold best_threshold(const eval::EvaluationSet& set);

}  // namespace ccexpert::tools

// Page of a map of a series.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <ccexpert/image/image.h>

#include "geo/journal.h"

namespace ccexpert::geo {

/// Counts of the tiles of a pair of dates.
struct PairCounts {
  int64_t captioned = 0, quiet = 0, skipped = 0;
  int64_t changed = 0;    ///< of the captioned tiles, those that tell of a change
  int64_t transient = 0;  ///< of these, those whose change comes and goes in one date
  int64_t areas = 0;      ///< polygons of changed ground
  double area = 0.0;      ///< in m²
};

/// Pictures, counts and captions of a map while its layers are written.
struct SeriesPage {
  struct Pair {
    SeriesPair dates;
    PairCounts counts;
    image::Image change;  ///< the later date with its changed ground
  };
  struct Change {
    SeriesPair dates;
    int64_t tile = 0;
    double score = 0.0;
    std::string caption;
  };

  std::vector<image::Image> dates;
  std::vector<Pair> pairs;  ///< steps in the order of time, then the first against the last date
  std::vector<Change> changes;
};

/// Returns the page; `summary` is the content of the summary file.
std::string series_page(const Plan& plan, const nlohmann::ordered_json& summary, const SeriesPage& page);

}  // namespace ccexpert::geo

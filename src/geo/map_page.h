// Page with an overview of a map.
#pragma once

#include <array>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include <ccexpert/image/image.h>

#include "geo/plan.h"

namespace ccexpert::geo {

/// Tile in the page's table.
struct ListedTile {
  int64_t tile = 0;
  double score = 0.0;
  std::string caption;
};

/// Pictures and captions of a map while its layers are written.
struct MapPage {
  std::array<image::Image, 2> dates;  ///< before and after
  image::Image change;                ///< the later date with its changed ground
  std::vector<ListedTile> tiles;      ///< with a caption
};

/// Returns the page; `summary` is the content of the summary file. Lists the captions with the highest
/// scores.
std::string map_page(const Plan& plan, const nlohmann::ordered_json& summary, MapPage page);

}  // namespace ccexpert::geo

// All that the layers of a map need to know besides the results of its tiles.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <ccexpert/geo/map.h>

#include "geo/grid.h"
#include "geo/tiling.h"

namespace ccexpert::geo {

struct Plan {
  std::string before;
  std::string after;
  std::vector<SceneDate> series = {};  ///< dates of a series; `before` and `after` are its ends
  Grid grid;
  TileSize tile;
  Shard shard;
  int64_t places = 0;         ///< tiles that meet the area of interest, of all shards
  int64_t mine = 0;           ///< of these, tiles of this shard
  double threshold = 0.0;     ///< score of tiles with a change
  double changed_from = 0.0;  ///< value of changed ground
  bool merge = false;
  std::string heatmap = {};  ///< absolute path of the file to write, or empty
  std::string report = {};   ///< absolute path of the page with cards, or empty
  std::string identity;      ///< equal for runs with equal results of tiles
};

/// Returns the dates of a series as JSON.
nlohmann::ordered_json to_json(const std::vector<SceneDate>& series);

/// Returns the plan as JSON, and reads it again. `source` begins an error. Names of rasters, which are only
/// shown after that, become printable; paths of files to write must be UTF-8.
nlohmann::ordered_json to_json(const Plan& plan);
Plan plan_from_json(const nlohmann::json& json, const std::string& source);

/// Returns 16 hexadecimal digits for the inputs, the tiles, the thresholds of the plan and the settings of a
/// map, without its shard and its files. Inputs on this machine count with their size and time of change.
std::string identity_of(const MapOptions& options, const Plan& plan);

}  // namespace ccexpert::geo

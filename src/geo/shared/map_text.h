// Maps for other programs: their files are made in a folder of their own, and returned as text.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include <ccexpert/geo/map.h>

namespace ccexpert::geo {

struct MapTextOptions {
  MapOptions map;  ///< its output and its area are set by map_as_text
  /// West, south, east and north in degrees: only tiles that share ground with it. Nothing: the whole scene.
  std::optional<std::array<double, 4>> bounds = {};
  int64_t most_tiles = 0;  ///< a map of more is an error
};

struct MapText {
  MapSummary counts = {};
  std::string summary = {};  ///< JSON, as in NAME.summary.json; empty after a stop
  std::string changes = {};  ///< the layer "changes" as GeoJSON (RFC 7946); empty after a stop
};

/// Makes a map in a new folder of the system's folder for temporary files, which is removed. Throws Error as
/// map_scene, and for a map of more than `most_tiles` tiles before the first one is captioned.
MapText map_as_text(MapTextOptions options, const MapModel& model, const std::stop_token& stop = {});

}  // namespace ccexpert::geo

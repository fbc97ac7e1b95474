// Alerts about changed tiles of a map.
#pragma once

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "geo/scene_source.h"

namespace ccexpert::geo {

/// Scenes of a map, and its file of tiles in GeoJSON.
struct AlertSource {
  const WatchedScene& from;
  const WatchedScene& to;
  std::filesystem::path map;
  std::string shown;  ///< name of the map in alerts
};

/// Returns a feature of GeoJSON for each tile whose caption tells of a change: the changed ground, or the
/// whole tile if the map draws none. Equal maps have equal alerts. Throws Error if the layers cannot be read.
nlohmann::ordered_json alerts_of(const AlertSource& source);

/// Returns the text of a FeatureCollection.
std::string collection_text(const nlohmann::ordered_json& features);

}  // namespace ccexpert::geo

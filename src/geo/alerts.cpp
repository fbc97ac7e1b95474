#include "geo/alerts.h"

#include <map>
#include <utility>

#include "core/files.h"
#include "core/json.h"
#include "core/rounded.h"
#include "geo/digest.h"
#include "geo/vector_file.h"

namespace ccexpert::geo {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

ordered_json features_in(const fs::path& file) {
  const auto json = parse_ordered_json(read_file(file, size_t{1} << 30), file.string());
  const auto features = json.find("features");
  return features == json.end() ? ordered_json::array() : *features;
}

/// Changed ground of a tile.
struct Changed {
  ordered_json polygons = ordered_json::array();
  double area = 0.0;
};

void add_polygons(const ordered_json& geometry, ordered_json& polygons) {
  const auto& coordinates = geometry.at("coordinates");
  if (geometry.at("type") == "Polygon") polygons.push_back(coordinates);
  if (geometry.at("type") != "MultiPolygon") return;
  for (const auto& polygon : coordinates) polygons.push_back(polygon);
}

std::map<int64_t, Changed> changed_ground(const fs::path& map) {
  std::map<int64_t, Changed> ground;
  for (const auto& feature : features_in(layer_path(map, "changes", false))) {
    const auto& properties = feature.at("properties");
    auto& changed = ground[properties.at("tile").get<int64_t>()];
    add_polygons(feature.at("geometry"), changed.polygons);
    if (properties.at("area_m2").is_number()) changed.area += properties.at("area_m2").get<double>();
  }
  return ground;
}

/// True for a tile of a layer whose caption tells of a change.
bool is_alert(const ordered_json& properties) {
  const auto changed = properties.find("changed");
  const auto caption = properties.find("caption");
  return caption != properties.end() && caption->is_string() &&
         !(changed != properties.end() && changed->is_boolean() && !changed->get<bool>());
}

ordered_json alert(const AlertSource& source, const ordered_json& tile, const Changed& changed) {
  const auto& found = tile.at("properties");
  ordered_json properties{{"from", source.from.name}, {"to", source.to.name}};
  if (!source.from.time.empty()) properties["begin"] = source.from.time;
  if (!source.to.time.empty()) properties["end"] = source.to.time;
  for (const char* name : {"tile", "caption", "score", "logprob", "unsure"}) {
    if (const auto value = found.find(name); value != found.end() && !value->is_null())
      properties[name] = *value;
  }
  properties["changed_area_m2"] = rounded(changed.area, 1e2);
  properties["map"] = source.shown;
  ordered_json geometry = tile.at("geometry");
  if (!changed.polygons.empty()) geometry = {{"type", "MultiPolygon"}, {"coordinates", changed.polygons}};
  const auto id = digest(source.from.name + "\n" + source.to.name + "\n" + found.at("tile").dump());
  return {{"type", "Feature"}, {"id", id}, {"properties", properties}, {"geometry", geometry}};
}

}  // namespace

ordered_json alerts_of(const AlertSource& source) {
  const auto ground = changed_ground(source.map);
  auto alerts = ordered_json::array();
  for (const auto& tile : features_in(source.map)) {
    if (!is_alert(tile.at("properties"))) continue;
    const auto found = ground.find(tile.at("properties").at("tile").get<int64_t>());
    alerts.push_back(alert(source, tile, found == ground.end() ? Changed() : found->second));
  }
  return alerts;
}

std::string collection_text(const ordered_json& features) {
  std::string text = "{\"type\": \"FeatureCollection\", \"features\": [";
  for (size_t i = 0; i < features.size(); ++i) {
    text += i == 0 ? "\n" : ",\n";
    text += features[i].dump(-1, ' ', false, ordered_json::error_handler_t::replace);
  }
  return text + "\n]}\n";
}

}  // namespace ccexpert::geo

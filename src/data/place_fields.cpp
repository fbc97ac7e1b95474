#include "data/shared/place_fields.h"

#include "core/rounded.h"
#include "text/shared/unicode.h"

namespace ccexpert::data {
namespace {

using nlohmann::ordered_json;

ordered_json map_json(const image::ChangeMap& map) {
  ordered_json json{{"grid", map.grid}};
  if (map.covered != 1.0) json["covered"] = rounded(map.covered, 1e6);
  if (map.padded) json["padded"] = true;
  auto values = ordered_json::array();
  for (const float value : map.values) values.push_back(rounded(static_cast<double>(value), 1e3));
  json["values"] = std::move(values);
  return json;
}

/// Returns the positions of a ring as in GeoJSON, the first one also last.
ordered_json ring_json(const image::Ring& ring) {
  auto positions = ordered_json::array();
  for (const auto& point : ring) positions.push_back({rounded(point.x, 1e3), rounded(point.y, 1e3)});
  if (!ring.empty()) positions.push_back(positions.front());
  return positions;
}

ordered_json polygon_json(const image::Polygon& polygon) {
  auto rings = ordered_json::array({ring_json(polygon.outline)});
  for (const auto& hole : polygon.holes) rings.push_back(ring_json(hole));
  return {{"area", rounded(image::area(polygon), 1e3)}, {"coordinates", std::move(rings)}};
}

}  // namespace

void add_places(ordered_json& line, const PredictedPlaces& places) {
  if (places.change) {
    line["change_score"] = rounded(places.change->score, 1e6);
    line["change_raw"] = rounded(places.change->raw, 1e6);
    line["change_map"] = map_json(places.change->map);
  }
  if (!places.words.empty()) {
    auto words = ordered_json::array();
    for (const auto& word : places.words)
      words.push_back({{"word", text::repair_utf8(word.word)}, {"map", map_json(word.map)}});
    line["words"] = std::move(words);
  }
  if (places.polygons) {
    auto polygons = ordered_json::array();
    for (const auto& polygon : *places.polygons) polygons.push_back(polygon_json(polygon));
    line["polygons"] = std::move(polygons);
  }
  if (places.unsure) line["unsure"] = *places.unsure;
}

}  // namespace ccexpert::data

#include "data/read_places.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/json.h"

namespace ccexpert::data {
namespace {

using nlohmann::json;

/// Largest side of a grid; vision transformers have up to 64 patches.
constexpr int64_t kMostPatches = 1024;

const json& object_at(const json& parent, const char* key, const std::string& where) {
  const auto found = parent.find(key);
  if (found == parent.end() || !found->is_object())
    fail_expected({where + ": " + key, "an object", found == parent.end() ? "none" : json_shown(*found)});
  return *found;
}

image::ChangeMap map_of(const json& object, const std::string& where) {
  image::ChangeMap map{.grid = json_value(object, "grid", int64_t{0}, where, in_range(1, kMostPatches)),
                       .values = {},
                       .covered = json_value(object, "covered", 1.0, where, in_range(open(0), 1)),
                       .padded = json_value(object, "padded", false, where)};
  const auto values = object.value("values", json::array());
  if (static_cast<int64_t>(values.size()) != map.grid * map.grid ||
      !std::all_of(values.begin(), values.end(), [](const json& value) { return value.is_number(); })) {
    fail_expected(
        {where + ": values", fmt::format("a list of {0} x {0} numbers", map.grid), json_shown(values)});
  }
  map.values = values.get<std::vector<float>>();
  return map;
}

}  // namespace

PredictedPlaces read_places(const json& line, const std::string& where) {
  PredictedPlaces places;
  if (line.contains("change_map")) {
    places.change = {.map = map_of(object_at(line, "change_map", where), where + ": change_map"),
                     .score = json_value(line, "change_score", 0.0, where, in_range(0, 1)),
                     .raw = json_value(line, "change_raw", 0.0, where, in_range(0, 1))};
  }
  for (const auto& word : line.value("words", json::array())) {
    const auto at = where + ": words";
    if (!word.is_object()) fail_expected({at, "objects", json_shown(word)});
    places.words.push_back(
        {.word = json_value(word, "word", std::string(), at), .map = map_of(object_at(word, "map", at), at)});
  }
  if (line.contains("unsure")) places.unsure = json_value(line, "unsure", false, where);
  return places;
}

}  // namespace ccexpert::data

#include "serve/map_tool.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>

#include "core/json.h"
#include "serve/app.h"
#include "serve/caption_request.h"
#include "serve/tile_jobs.h"
#include "serve/tool_arguments.h"

namespace ccexpert::serve {
namespace {

using nlohmann::json;
using Json = nlohmann::ordered_json;

constexpr const char* kSource = "arguments";
constexpr size_t kListedScenes = 50;
constexpr size_t kListedErrors = 20;
/// Changes that the text for readers names.
constexpr size_t kToldChanges = 20;

constexpr const char* kTool = R"({
  "name": "map_changes",
  "title": "Map the changes between two scenes",
  "description": "Describes in words, tile by tile, what changed between two georeferenced rasters of any size that are on the server. Answers with the changed ground as GeoJSON in longitude and latitude, each with a caption, a score and its area, the highest scores first, and with counts of tiles. It needs seconds for each tile.",
  "inputSchema": {
    "type": "object",
    "properties": {
      "before": {"type": "string", "description": "Name of the raster of the earlier date in the server's folder."},
      "after": {"type": "string", "description": "Name of the raster of the later date, on any grid."},
      "tile": {"type": "string", "description": "Side of a tile in pixels as 256 or in metres as 128m. Use as much ground as the images that the model was trained with.", "default": "256"},
      "threshold": {"type": "number", "minimum": 0, "maximum": 1, "description": "Score from which a tile is described."},
      "bounds": {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4, "description": "West, south, east and north in degrees: only tiles that share ground with it."},
      "question": {"type": "string", "description": "A question about each tile; without it, the change is described."},
      "max_changes": {"type": "integer", "minimum": 1, "description": "Largest number of changes in the answer."}
    },
    "required": ["before", "after"],
    "additionalProperties": false
  },
  "outputSchema": {
    "type": "object",
    "properties": {
      "summary": {"type": "object", "description": "Counts of tiles and areas in square metres."},
      "changes": {"type": "object", "description": "GeoJSON FeatureCollection with caption, score, area_m2, tile and tiles of each change."},
      "left_out": {"type": "integer", "description": "Changes with lower scores that the answer does not have."}
    },
    "required": ["summary", "changes", "left_out"]
  },
  "annotations": {"readOnlyHint": true, "idempotentHint": true, "openWorldHint": false}
})";

std::array<double, 4> bounds_of(const json& value) {
  constexpr const char* kExpected = "west, south, east and north in degrees";
  if (!value.is_array() || value.size() != 4 ||
      !std::ranges::all_of(value, [](const json& each) { return each.is_number(); }))
    fail_expected({"bounds", kExpected, json_shown(value)});
  const auto bounds = value.get<std::array<double, 4>>();
  const auto [west, south, east, north] = bounds;
  if (!(west >= -180 && west < east && east <= 180 && south >= -90 && south < north && north <= 90))
    fail_expected({"bounds", kExpected, value.dump(), "west below east, south below north"});
  return bounds;
}

/// Returns the middle of a change, [longitude, latitude] of its first ring.
std::array<double, 2> middle_of(const Json& geometry) {
  const auto* ring = &geometry["coordinates"];
  while (ring->is_array() && !ring->empty() && ring->front().is_array() && !ring->front().empty() &&
         ring->front().front().is_array())
    ring = &ring->front();
  std::array<double, 2> low{180.0, 90.0}, high{-180.0, -90.0};
  for (const auto& point : *ring) {
    for (const size_t axis : {size_t{0}, size_t{1}}) {
      low.at(axis) = std::min(low.at(axis), point[axis].get<double>());
      high.at(axis) = std::max(high.at(axis), point[axis].get<double>());
    }
  }
  return {(low[0] + high[0]) / 2, (low[1] + high[1]) / 2};
}

double score_of(const Json& feature) {
  const auto& score = feature["properties"]["score"];
  return score.is_number() ? score.get<double>() : 0.0;
}

std::string line_of(const Json& feature) {
  const auto& told = feature["properties"];
  const auto [longitude, latitude] = middle_of(feature["geometry"]);
  const auto& area = told["area_m2"];
  return fmt::format("{:.5f}, {:.5f}: {} (score {:.2f}{})\n", longitude, latitude,
                     told["caption"].is_string() ? told["caption"].get<std::string>() : "changed ground",
                     score_of(feature),
                     area.is_number() ? fmt::format(", {:.0f} m2", area.get<double>()) : "");
}

/// Returns a number of things, as "1 tile" or "2 tiles".
std::string counted(int64_t number, std::string_view thing) {
  return fmt::format("{} {}{}", number, thing, number == 1 ? "" : "s");
}

/// Returns the map in words, for clients that read no structures.
std::string text_of(const Json& answer) {
  const auto& summary = answer["summary"];
  const auto& features = answer["changes"]["features"];
  const auto& tiles = summary["tiles"];
  auto text = fmt::format(
      "{} on {:.0f} m2 of ground in {}.\n", counted(summary["changed_areas"].get<int64_t>(), "change"),
      summary["changed_area_m2"].get<double>(), counted(tiles["all"].get<int64_t>(), "tile"));
  if (const auto failed = tiles["failed"].get<int64_t>(); failed > 0)
    text += fmt::format("{} failed, and nothing is known of the ground there: {}\n", counted(failed, "tile"),
                        summary["errors"].at(0)["error"].get<std::string>());
  if (!features.empty()) text += "Longitude, latitude of the middle:\n";
  for (size_t i = 0; i < std::min(features.size(), kToldChanges); ++i) text += line_of(features[i]);
  return text;
}

/// True if no tile of a map has an answer, since all that have pixels failed.
bool is_failed(const Json& tiles) {
  return tiles.at("failed") > 0 && tiles.at("captioned") == 0 && tiles.at("below_threshold") == 0;
}

/// Keeps the features with the highest scores. Returns the number of the others.
size_t keep_highest(Json& features, size_t most) {
  auto& list = features.get_ref<Json::array_t&>();
  std::ranges::stable_sort(list, std::ranges::greater(), score_of);
  const size_t left_out = list.size() > most ? list.size() - most : 0;
  list.resize(list.size() - left_out);
  return left_out;
}

}  // namespace

Json MapTool::listed() const {
  auto tool = Json::parse(kTool);
  auto& properties = tool["inputSchema"]["properties"];
  properties["max_changes"]["maximum"] = maker_.limits.map_changes;
  auto& text = tool["description"].get_ref<std::string&>();
  text += fmt::format(" At most {} tiles.", maker_.limits.map_tiles);
  const auto scenes = maker_.scenes(folder_.root());
  for (size_t i = 0; i < std::min(scenes.size(), kListedScenes); ++i)
    text += (i == 0 ? " Rasters: " : ", ") + folder_.name_of(scenes[i]);
  if (scenes.size() > kListedScenes) text += fmt::format(", and {} more", scenes.size() - kListedScenes);
  return tool;
}

AskedMap MapTool::asked(const json& arguments) const {
  expect_known_arguments(arguments, kTool);
  const auto file = [&](const char* key) {
    return folder_.file(json_value(arguments, key, std::string(), kSource), key);
  };
  AskedMap asked{.before = file("before"),
                 .after = file("after"),
                 .tile = json_value(arguments, "tile", std::string(), kSource),
                 .most_tiles = maker_.limits.map_tiles};
  const double threshold = json_value(arguments, "threshold", -1.0, kSource);
  if (arguments.contains("threshold") && !(threshold >= 0.0 && threshold <= 1.0))
    fail_expected({"threshold", "a number from 0 to 1", json_shown(arguments["threshold"])});
  if (threshold >= 0.0) asked.threshold = threshold;
  if (arguments.contains("bounds")) asked.bounds = bounds_of(arguments["bounds"]);
  return asked;
}

Json MapTool::answer(const MadeMap& made, const json& arguments, int64_t most_changes) const {
  const auto all = Json::parse(made.summary);
  Json summary{{"before", arguments["before"]}, {"after", arguments["after"]}};
  for (const char* key : {"threshold", "tiles", "captioned_area_m2", "changed_areas", "changed_area_m2"})
    summary[key] = all.at(key);
  summary["errors"] = Json::array();
  for (const auto& each : all.at("errors")) {
    if (summary["errors"].size() == kListedErrors) break;
    summary["errors"].push_back(
        {{"tile", each.at("tile")}, {"error", folder_.shown(each.at("error").get<std::string>())}});
  }
  auto changes = Json::parse(made.changes);
  const auto left_out = keep_highest(changes.at("features"), static_cast<size_t>(most_changes));
  // The name is that of a file of this machine.
  changes.erase("name");
  Json answer{{"summary", std::move(summary)}, {"changes", std::move(changes)}, {"left_out", left_out}};
  const auto text = text_of(answer);
  const auto& tiles = all.at("tiles");
  return {{"content", Json::array({{{"type", "text"}, {"text", text}}})},
          {"structuredContent", std::move(answer)},
          {"isError", is_failed(tiles)}};
}

Json MapTool::call(App& app, const Request& request, Exchange& exchange, const json& arguments) {
  const auto captions = app.captions();
  const auto map = asked(arguments);
  const auto most_changes = json_value(arguments, "max_changes", maker_.limits.map_changes, kSource,
                                       in_range(1, maker_.limits.map_changes));
  const std::unique_lock alone(mutex_, std::try_to_lock);
  if (!alone) throw HttpError(429, "another map is being made (try again later)", "map_busy");
  CaptionJob job;
  auto& question = job.request.question;
  question = json_value(arguments, "question", std::string(), kSource);
  auto limits = app.limits();
  limits.timeout = maker_.limits.map_timeout;
  complete_job(job, request, limits, *captions);
  expect_question(question, limits);
  TileJobs jobs({captions, app.metrics(), exchange}, std::move(job.request), app.pixels());
  return answer(made(map, jobs), arguments, most_changes);
}

/// Makes the map. Its errors name files as the client does.
MadeMap MapTool::made(const AskedMap& map, TileJobs& jobs) const try {
  auto made = maker_.make(map, jobs.model(), jobs.token());
  jobs.rethrow();
  return made;
} catch (const HttpError&) {
  throw;
} catch (const Error& error) {
  throw Error(folder_.shown(error.what()), error.kind());
}

}  // namespace ccexpert::serve

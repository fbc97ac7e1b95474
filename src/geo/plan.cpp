#include "geo/plan.h"

#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>

#include "core/json.h"
#include "core/printable.h"
#include "geo/digest.h"

namespace ccexpert::geo {
namespace {

namespace fs = std::filesystem;

/// Returns the name of an input with size and time of change, if it is a file.
std::string input_text(const std::string& name) {
  std::error_code code;
  const auto size = fs::file_size(name, code);
  if (code) return name + "\n";
  const auto time = fs::last_write_time(name, code).time_since_epoch().count();
  return fmt::format("{} {} {}\n", fs::absolute(name).string(), size, time);
}

std::vector<SceneDate> series_of(const nlohmann::json& json, const std::string& source) {
  std::vector<SceneDate> series;
  for (const auto& date : json) {
    series.push_back({.name = json_value<std::string>(date, "name", "", source),
                      .raster = json_value<std::string>(date, "raster", "", source),
                      .time = json_value<std::string>(date, "time", "", source)});
  }
  return series;
}

}  // namespace

nlohmann::ordered_json to_json(const std::vector<SceneDate>& series) {
  auto dates = nlohmann::ordered_json::array();
  for (const auto& date : series)
    dates.push_back(
        {{"name", printable(date.name)}, {"raster", printable(date.raster)}, {"time", date.time}});
  return dates;
}

nlohmann::ordered_json to_json(const Plan& plan) {
  const auto& grid = plan.grid;
  nlohmann::ordered_json json{{"format", "ccexpert-map 1"},
                              {"identity", plan.identity},
                              {"before", printable(plan.before)},
                              {"after", printable(plan.after)},
                              {"width", grid.width},
                              {"height", grid.height},
                              {"transform", grid.transform},
                              {"crs", grid.crs},
                              {"tile", {plan.tile.width, plan.tile.height}},
                              {"overlap", {plan.tile.overlap_x, plan.tile.overlap_y}},
                              {"shard", plan.shard.text()},
                              {"places", plan.places},
                              {"mine", plan.mine},
                              {"threshold", plan.threshold},
                              {"changed_from", plan.changed_from},
                              {"merge", plan.merge},
                              {"heatmap", plan.heatmap}};
  if (!plan.report.empty()) json["report"] = plan.report;
  if (!plan.series.empty()) json["series"] = to_json(plan.series);
  return json;
}

Plan plan_from_json(const nlohmann::json& json, const std::string& source) {
  if (!json.is_object() || json.value("format", "") != "ccexpert-map 1")
    fail_expected({source, "a file that ccexpert-map is writing", "another"});
  Plan plan;
  plan.identity = json_value<std::string>(json, "identity", "", source);
  plan.before = json_value<std::string>(json, "before", "", source);
  plan.after = json_value<std::string>(json, "after", "", source);
  if (json.contains("series")) plan.series = series_of(json["series"], source);
  plan.grid = {.width = json_value<int64_t>(json, "width", 0, source, at_least(1)),
               .height = json_value<int64_t>(json, "height", 0, source, at_least(1)),
               .transform = json.at("transform").get<std::array<double, 6>>(),
               .crs = json_value<std::string>(json, "crs", "", source)};
  const auto tile = json.at("tile").get<std::array<int64_t, 2>>();
  const auto overlap = json.at("overlap").get<std::array<int64_t, 2>>();
  plan.tile = {tile[0], tile[1], overlap[0], overlap[1]};
  plan.shard = parse_text<Shard>(json_value<std::string>(json, "shard", "1/1", source), source + ": shard");
  plan.places = json_value<int64_t>(json, "places", 0, source, at_least(0));
  plan.mine = json_value<int64_t>(json, "mine", 0, source, at_least(0));
  plan.threshold = json_value<double>(json, "threshold", 0.0, source);
  plan.changed_from = json_value<double>(json, "changed_from", 0.0, source);
  plan.merge = json_value<bool>(json, "merge", false, source);
  plan.heatmap = json_value<std::string>(json, "heatmap", "", source);
  plan.report = json_value<std::string>(json, "report", "", source);
  return plan;
}

std::string identity_of(const MapOptions& options, const Plan& plan) {
  const auto& grid = plan.grid;
  std::string text;
  if (options.series.empty()) text = input_text(options.before) + input_text(options.after);
  for (const auto& date : options.series)
    text += fmt::format("date {} {}\n", date.name, date.time) + input_text(date.raster);
  for (const auto& mask : options.masks) text += input_text(mask);
  if (!options.area.empty()) text += input_text(options.area);
  text += fmt::format("{} {} {}\n{}\n", grid.width, grid.height, fmt::join(grid.transform, " "), grid.crs);
  text += fmt::format("{} {} bands {} stretch {} match {} register {} valid {}\n{}\n", options.tile.text(),
                      options.overlap.text(), fmt::join(options.bands, ","), options.stretch.text(),
                      options.match_radiometry, text_of(options.registration), options.min_valid,
                      options.settings);
  text += fmt::format("threshold {} changed from {} swap {}\n", plan.threshold, plan.changed_from,
                      options.check_swap);
  if (!options.report.empty()) text += "cards\n";
  if (options.words) text += "words\n";
  return digest(text);
}

}  // namespace ccexpert::geo

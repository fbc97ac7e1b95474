#include "geo/shared/map_text.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <ccexpert/core/error.h>

#include "core/files.h"

namespace ccexpert::geo {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// New folder for temporary files, which only this user can read.
class OwnFolder {
 public:
  OwnFolder() {
    auto name = (fs::temp_directory_path() / "ccexpert-map-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) fail_system(name, "cannot be made", errno);
    path_ = name;
  }
  ~OwnFolder() {
    std::error_code code;
    fs::remove_all(path_, code);
  }
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string write_area(const fs::path& path, const std::array<double, 4>& bounds) {
  const auto [west, south, east, north] = bounds;
  const json ring{{west, south}, {east, south}, {east, north}, {west, north}, {west, south}};
  const json area{{"type", "Polygon"}, {"coordinates", json::array({ring})}};
  write_file(path, area.dump());
  return path.string();
}

/// Returns the text of an error about the file of the bounds as one about the bounds.
std::string with_bounds_named(std::string text, const std::string& file) {
  if (!file.empty() && text.starts_with(file)) text.replace(0, file.size(), "bounds");
  return text;
}

MapReports limit_to(int64_t most_tiles) {
  return {.start = [most_tiles](int64_t tiles, int64_t /*resumed*/) {
    if (tiles <= most_tiles) return;
    fail_expected({"map", fmt::format("at most {} tiles", most_tiles), std::to_string(tiles),
                   "larger tiles or a smaller area have fewer"});
  }};
}

}  // namespace

MapText map_as_text(MapTextOptions options, const MapModel& model, const std::stop_token& stop) {
  const OwnFolder folder;
  options.map.output = folder.path() / "map.geojson";
  if (options.bounds) options.map.area = write_area(folder.path() / "area.geojson", *options.bounds);
  MapText text;
  try {
    text.counts = map_scene(options.map, model, limit_to(options.most_tiles), stop);
  } catch (const Error& error) {
    // Nobody knows the file of the bounds.
    throw Error(with_bounds_named(error.what(), options.map.area), error.kind());
  }
  if (text.counts.interrupted) return text;
  text.summary = read_file(folder.path() / "map.summary.json");
  text.changes = read_file(folder.path() / "map.changes.geojson");
  return text;
}

}  // namespace ccexpert::geo

#include "geo/shared/map_text.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string_view>
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

/// Returns the text of an error for a caller who knows neither the file of the bounds nor options of
/// ccexpert-map.
std::string in_words_of_caller(std::string text, const std::string& file) {
  constexpr std::string_view kMark = "--";
  if (!file.empty() && text.starts_with(file)) text.replace(0, file.size(), "bounds");
  if (text.starts_with(kMark)) text.erase(0, kMark.size());
  // A hint that names an option is no remedy here.
  const auto hint = text.rfind(" (");
  if (hint != std::string::npos && text.find(kMark, hint) != std::string::npos) text.resize(hint);
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
    throw Error(in_words_of_caller(error.what(), options.map.area), error.kind());
  }
  if (text.counts.interrupted) return text;
  text.summary = read_file(folder.path() / "map.summary.json");
  text.changes = read_file(folder.path() / "map.changes.geojson");
  return text;
}

}  // namespace ccexpert::geo

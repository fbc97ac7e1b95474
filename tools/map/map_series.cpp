#include "map/map_series.h"

#include <algorithm>
#include <set>
#include <string>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "core/file_names.h"
#include "core/files.h"
#include "data/shared/series.h"
#include "geo/shared/scene_date.h"
#include "geo/shared/scene_folder.h"

namespace ccexpert::tools {
namespace {

namespace fs = std::filesystem;

/// Memory for the features of a date's tile: those of an image need 27 MB at 7B.
constexpr int64_t kBytesOfDate = int64_t{32} << 20;

std::vector<geo::SceneDate> folder_dates(const fs::path& folder) {
  auto rasters = geo::raster_files(folder);
  std::ranges::sort(rasters, [](const fs::path& a, const fs::path& b) {
    return sorts_before(a.filename().string(), b.filename().string());
  });
  std::vector<geo::SceneDate> dates;
  for (const auto& raster : rasters)
    dates.push_back({.name = raster.stem().string(), .raster = raster.string()});
  return dates;
}

std::vector<geo::SceneDate> list_dates(const fs::path& list) {
  const auto series = data::read_series(list);
  if (const auto places = series.places.size() + series.left_out.size(); places != 1)
    fail_expected({list.string(), "the dates of one place", fmt::format("{} places", places)});
  std::vector<geo::SceneDate> dates;
  for (const auto& date : series.places.front().dates)
    dates.push_back({.name = date.date, .raster = date.image.string()});
  return dates;
}

/// Names the dates by their days, unless one is unknown or two are of one day.
void name_by_day(std::vector<geo::SceneDate>& dates) {
  constexpr size_t kDay = 10;
  std::set<std::string> days;
  for (const auto& date : dates) {
    if (date.time.empty() || !days.insert(date.time.substr(0, kDay)).second) return;
  }
  for (auto& date : dates) date.name = date.time.substr(0, kDay);
}

}  // namespace

std::vector<geo::SceneDate> dates_of(const fs::path& folder_or_list) {
  const bool is_list = !is_folder(folder_or_list);
  auto dates = is_list ? list_dates(folder_or_list) : folder_dates(folder_or_list);
  if (dates.size() < 2) {
    fail_expected({folder_or_list.string(), "at least two rasters (" + geo::raster_endings() + ")",
                   std::to_string(dates.size())});
  }
  for (auto& date : dates) date.time = geo::time_of_scene(date.name, date.raster);
  if (!is_list) name_by_day(dates);
  return dates;
}

void take_series(MapCommand& command) {
  if (command.series.empty()) return;
  command.map.series = dates_of(command.series);
  const auto dates = static_cast<int64_t>(command.map.series.size());
  command.captioner.feature_cache = std::max(command.captioner.feature_cache, dates * kBytesOfDate);
}

}  // namespace ccexpert::tools

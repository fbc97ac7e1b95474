// Work that writing a map of two dates and one of a series have in common.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <ccexpert/geo/map.h>
#include <ccexpert/image/image.h>

#include "geo/journal.h"
#include "geo/layer_values.h"
#include "geo/overview.h"
#include "geo/tiling.h"
#include "geo/vector_file.h"
#include "geo/work_folder.h"

namespace ccexpert::geo {

/// Counts of the tiles of a map, and its first errors, while its layers are written.
struct Totals {
  MapSummary summary = {};
  nlohmann::ordered_json errors = nlohmann::ordered_json::array();

  void add(const TileResult& tile);
  /// Lists an error of a tile, unless there are many; the layer has all of them.
  void tell(int64_t tile, const std::string& error);
};

/// Adds changed ground of a tile by `add`. Ground that the format cannot have is listed and left out.
void add_or_leave_out(int64_t tile, Totals& totals, const std::function<void()>& add);

/// Results of all journals, and files that appear whole.
struct PublicationFiles {
  PublicationFiles(std::span<const JournalReader> journals, const std::filesystem::path& output);

  /// Returns the path of a file with another ending than the output, until it is moved beside it.
  std::filesystem::path in_work(const char* ending) const;

  /// Returns the ring around a tile; nothing if it is skipped, or if the format cannot have it, which becomes
  /// its error.
  Ring frame(TileResult& tile) const;

  /// Returns an overview without tiles.
  image::Image black() const;
  /// Puts the pictures of a tile into the overviews of the dates.
  void place(const TileResult& tile, std::span<image::Image> dates) const;

  const Plan& plan;
  std::vector<FoundResult> found;  ///< in the order of the tiles
  std::filesystem::path output;
  Tiling tiling;
  OverviewGrid overview;
  WorkFolder work;
  VectorFiles files;
};

/// Returns the fields of a summary from the name of the output to the counts of tiles.
nlohmann::ordered_json common_summary(const PublicationFiles& files, const MapSummary& counts);

}  // namespace ccexpert::geo

// Maps of changes that a server makes, by a function from outside: this room does not know GDAL.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <tuple>
#include <vector>

#include <ccexpert/captioner.h>
#include <ccexpert/core/fields.h>

namespace ccexpert::serve {

struct MapLimits {
  int64_t map_tiles = 256;
  int64_t map_changes = 200;
  double map_timeout = 600.0;

  static constexpr auto fields() {
    using Self = MapLimits;
    return std::tuple{
        field("map_tiles", &Self::map_tiles, "largest number of tiles of a map", in_range(1, 1'000'000)),
        field("map_changes", &Self::map_changes, "largest number of changes in the answer of a map",
              in_range(1, 100'000)),
        field("map_timeout", &Self::map_timeout, "seconds until a map must be complete",
              in_range(0.05, 86'400))};
  }
};

struct AskedMap {
  std::filesystem::path before, after;   ///< rasters of both dates
  std::string tile = {};                 ///< side of a tile, as "256" or "128m"; empty: the default
  std::optional<double> threshold = {};  ///< score from which a tile is captioned; nothing: the default
  /// West, south, east and north in degrees; nothing: the whole scene.
  std::optional<std::array<double, 4>> bounds = {};
  int64_t most_tiles = 0;
};

/// Model of tiles, called by the thread that makes the map.
struct TileModel {
  std::function<std::vector<Caption>(std::span<const ImagePair>)> caption;
  std::function<std::vector<LocatedChange>(std::span<const ImagePair>)> locate;
  std::optional<double> changed_from = {};  ///< smallest value of changed ground; nothing: not calibrated
};

/// Texts of a map, in the form of ccexpert-map's files; empty after a stop.
struct MadeMap {
  std::string summary;  ///< JSON
  std::string changes;  ///< GeoJSON
};

/// Maker of maps of the rasters in a folder.
struct MapMaker {
  std::filesystem::path root;  ///< clients name files below it
  MapLimits limits = {};
  /// Returns the rasters below the folder.
  std::function<std::vector<std::filesystem::path>(const std::filesystem::path& root)> scenes;
  /// Throws Error if a raster does not fit, or the map has more than `most_tiles`.
  std::function<MadeMap(const AskedMap& asked, const TileModel& model, const std::stop_token& stop)> make;
};

}  // namespace ccexpert::serve

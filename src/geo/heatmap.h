// Change of a whole scene as a raster, blended from the maps of its tiles.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <vector>

#include <ccexpert/image/change_map.h>

#include "geo/gdal_use.h"
#include "geo/grid.h"

namespace ccexpert::geo {

/// Raster with cells of several pixels, about as large as the patches of a model. Where tiles overlap, a
/// value counts more the nearer it is to the centre of its tile.
class Heatmap {
 public:
  /// Writes under construction to `file`. A cell has `cell` x `cell` pixels of the scene.
  Heatmap(std::filesystem::path file, const Grid& scene, int64_t cell);

  /// Adds a tile. Tiles come in the order of their rows.
  void add(const Window& window, const image::ChangeMap& map);

  /// Writes a Cloud-Optimised GeoTIFF to `result`. Throws Error if it cannot.
  void finish(const std::filesystem::path& result);

 private:
  struct Row {
    std::vector<float> sum, weight;
  };

  /// Writes the rows above `row`.
  void flush_above(int64_t row);
  void write(int64_t row, const Row& values);

  std::filesystem::path file_;
  int64_t cell_;
  int64_t width_, height_;
  GDALDatasetUniquePtr dataset_;
  std::map<int64_t, Row> rows_;
};

/// Throws Error if this GDAL cannot write Cloud-Optimised GeoTIFFs.
void expect_heatmap_driver();

/// Returns a map's values at pixels of a window, of which each side has at most `most` values.
image::PixelMap values_in(const Window& window, const image::ChangeMap& map, int64_t most);

}  // namespace ccexpert::geo

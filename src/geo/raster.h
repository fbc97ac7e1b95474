// Raster of one date: chosen bands, read window by window on the grid of the map.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "geo/gdal_use.h"
#include "geo/grid.h"

namespace ccexpert::geo {

/// Samples of a window, [bands][height][width], and the pixels that have values.
struct Samples {
  int64_t height = 0;
  int64_t width = 0;
  std::vector<float> values;
  std::vector<uint8_t> valid;  ///< [height][width], 1 or 0

  size_t pixels() const { return valid.size(); }
};

/// Size of a result of Raster::read; smaller than its window to save memory.
struct BufferSize {
  int64_t height = 0;
  int64_t width = 0;
};

class Raster {
 public:
  /// Takes the bands with these numbers, from 1. `alpha` is the number of a band that is 0 at pixels without
  /// values; 0: the raster's own masks and its value for no data decide.
  Raster(GDALDatasetUniquePtr dataset, std::string name, std::vector<int> bands, int alpha = 0);

  /// Reads a window. Throws Error naming the raster.
  Samples read(const Window& window, const BufferSize& size) const;

  /// True if the file stores nothing for a window, so that all of its pixels lack data.
  bool is_hole(const Window& window) const;

  const std::string& name() const { return name_; }
  int64_t bands() const { return static_cast<int64_t>(bands_.size()); }
  bool has_8_bits() const;
  /// Returns the colours of a palette, three for each index; nothing without a palette.
  const std::vector<uint8_t>& palette() const { return palette_; }

 private:
  void read_band_masks(const Window& window, Samples& samples) const;

  GDALDatasetUniquePtr dataset_;
  std::string name_;
  std::vector<int> bands_;
  int alpha_;
  std::vector<uint8_t> palette_;
};

/// Returns the grid of a raster. Throws Error if it has no position on the ground.
Grid grid_of(GDALDataset& dataset, const std::string& name);

/// Returns the numbers of three bands, or of one. Empty `asked`: red, green and blue by colour
/// interpretation, else the first three, else the first. Throws Error for a band that the raster lacks.
std::vector<int> chosen_bands(GDALDataset& dataset, const std::string& name,
                              const std::vector<int64_t>& asked);

}  // namespace ccexpert::geo

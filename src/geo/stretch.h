// Conversion of samples to 8-bit colours.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <ccexpert/geo/values.h>
#include <ccexpert/image/image.h>

#include "geo/grid.h"
#include "geo/raster.h"

namespace ccexpert::geo {

/// Linear map of a band to 0..255, which clamps.
struct BandMap {
  double gain = 1.0;
  double offset = 0.0;
};

/// Window of which every `step`-th pixel is taken.
struct ScanWindow {
  Window window;
  size_t step = 1;
};

/// Windows that are spread over a grid; together they have at most about a million pixels.
std::vector<ScanWindow> sampled_windows(const Grid& grid);

/// Windows that cover a grid, of which a part of the pixels is taken.
std::vector<ScanWindow> scan_windows(const Grid& grid);

/// Returns the map of each band. Percentiles are those of valid samples in sampled_windows; if a
/// band has none there, or equal ones, those in scan_windows. Throws Error if they do not help.
std::vector<BandMap> band_maps(const Raster& raster, const Grid& grid, const Stretch& stretch);

/// Converts samples to RGB by the maps, one grey band to three, an index by its palette. Pixels that are not
/// valid become black.
image::Image to_image(const Samples& samples, std::span<const BandMap> maps,
                      const std::vector<uint8_t>& palette);

}  // namespace ccexpert::geo

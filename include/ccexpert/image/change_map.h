/// Maps of change over an image: values of a grid of patches, and the same values at pixels.
#pragma once

#include <cstdint>
#include <vector>

#include <ccexpert/image/image.h>

namespace ccexpert::image {

/// Limit of the pixels of one side of a map.
inline constexpr int64_t kMostMapSide = 65'536;

/// Values in [0, 1] of a square grid of patches over an image, whatever its shape.
struct ChangeMap {
  int64_t grid = 0;                ///< G: patches along one side
  std::vector<float> values = {};  ///< [G,G], row by row from the top left
  /// Share of the image's width and height that the patches cover, from the top left corner: a vision
  /// transformer does not see the last pixels if its patches do not divide its image.
  double covered = 1.0;
  /// True if the grid covers the image's square on its centre, as large as its longer side: then patches
  /// outside of the image belong to no pixel.
  bool padded = false;

  bool operator==(const ChangeMap&) const = default;
};

/// Values of an image of this size, row by row.
struct PixelMap {
  int64_t height = 0;         ///< pixels
  int64_t width = 0;          ///< pixels
  std::vector<float> values;  ///< [height,width]
};

/// Returns the values at the centres of the pixels of an image of this size, bilinear between the centres of
/// the patches and constant outside of them. Throws Error for a map without its values and for a size without
/// pixels.
PixelMap at_pixels(const ChangeMap& map, int64_t height, int64_t width);

/// Returns the image under the map's colours, from none at 0 over violet and orange to yellow at 1. Throws
/// Error like at_pixels.
Image overlay(const ImageView& image, const ChangeMap& map);

}  // namespace ccexpert::image

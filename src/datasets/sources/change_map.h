// Facts from a mask: number, kind, size and place of changes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ccexpert/image/image.h>

#include "datasets/shared/convert.h"

namespace ccexpert::datasets {

/// For each pixel 0 if unchanged, else the kind of its change, 1 or more (the source's own numbers).
struct ChangeMap {
  int64_t height = 0;
  int64_t width = 0;
  std::vector<uint8_t> kinds;
};

/// Rectangle of an image.
struct Window {
  int64_t top = 0;
  int64_t left = 0;
  int64_t height = 0;
  int64_t width = 0;

  bool operator==(const Window&) const = default;
};

/// Cell of a 3 x 3 grid; kSpread: several cells; kAcross: one region over most of the scene.
enum class Area {
  kTopLeft,
  kTop,
  kTopRight,
  kLeft,
  kMiddle,
  kRight,
  kBottomLeft,
  kBottom,
  kBottomRight,
  kSpread,
  kAcross
};

/// All changes of one kind.
struct MaskFact {
  int kind = 0;
  int64_t count = 0;   ///< separate regions
  double share = 0.0;  ///< share of the image
  Area area = Area::kSpread;
};

/// Returns facts by share, the largest first; ignores regions below `least_share` of the image as noise.
std::vector<MaskFact> facts_of(const ChangeMap& map, double least_share);

/// Returns the windows that show a map's changes: the whole image if the changes are significant or absent;
/// otherwise windows around them, filled as CropOptions requires, the largest change first.
std::vector<Window> windows_of(const ChangeMap& map, const CropOptions& options);

ChangeMap cut(const ChangeMap& map, const Window& window);
image::Image cut(const image::Image& image, const Window& window);

}  // namespace ccexpert::datasets

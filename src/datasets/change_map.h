// What a mask says: how many changes of which kind, how large, and where.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ccexpert/datasets/convert.h>
#include <ccexpert/image/image.h>

namespace ccexpert::datasets {

/// For each pixel 0, or the kind of its change from 1 on (a source's own numbers).
struct ChangeMap {
  int64_t height = 0;
  int64_t width = 0;
  std::vector<uint8_t> kinds;
};

/// A part of an image.
struct Window {
  int64_t top = 0;
  int64_t left = 0;
  int64_t height = 0;
  int64_t width = 0;

  bool operator==(const Window&) const = default;
};

/// Rows and columns of a 3 x 3 grid; several of them; or one region that reaches over most of the scene.
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
  int64_t count = 0;   ///< regions that do not touch
  double share = 0.0;  ///< of the image
  Area area = Area::kSpread;
};

/// Facts by share, the largest first; regions below `least_share` of the image are noise.
std::vector<MaskFact> facts_of(const ChangeMap& map, double least_share);

/// The windows that show a map's changes: the whole image where they are significant, or where there are
/// none; else windows around them that they fill as far as CropOptions says, the largest change first.
std::vector<Window> windows_of(const ChangeMap& map, const CropOptions& options);

ChangeMap cut(const ChangeMap& map, const Window& window);
Image cut(const Image& image, const Window& window);

}  // namespace ccexpert::datasets

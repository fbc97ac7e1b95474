// Model of maps that finds change by the difference of pixels.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <vector>

#include "geo/scene_files.h"

namespace ccexpert::test {

/// Patches along one side of a map.
inline constexpr int64_t kGrid = 8;

/// Difference of the dates within a patch: 1 if it is above 20 in the mean.
inline float patch_change(const ImagePair& pair, int64_t row, int64_t column) {
  const int64_t height = pair.before.height / kGrid;
  const int64_t width = pair.before.width / kGrid;
  double sum = 0.0;
  for (int64_t y = row * height; y < (row + 1) * height; ++y) {
    for (int64_t x = 3 * column * width; x < 3 * (column + 1) * width; ++x)
      sum +=
          std::abs(pair.before.data[y * pair.before.stride + x] - pair.after.data[y * pair.after.stride + x]);
  }
  return sum / static_cast<double>(3 * height * width) > 20.0 ? 1.0F : 0.0F;
}

inline LocatedChange locate(const ImagePair& pair) {
  LocatedChange change;
  change.map.grid = kGrid;
  for (int64_t i = 0; i < kGrid * kGrid; ++i)
    change.map.values.push_back(patch_change(pair, i / kGrid, i % kGrid));
  change.score = *std::ranges::max_element(change.map.values) > 0.5F ? 0.9 : 0.1;
  return change;
}

/// Model that compares pixels. Its captions are those of grey_model.
inline geo::MapModel comparing_model(int* captions = nullptr) {
  auto model = grey_model(captions);
  model.locate = [](std::span<const ImagePair> pairs) {
    std::vector<LocatedChange> changes;
    for (const auto& pair : pairs) changes.push_back(locate(pair));
    return changes;
  };
  model.changed_from = [] { return std::optional(0.5); };
  return model;
}

}  // namespace ccexpert::test

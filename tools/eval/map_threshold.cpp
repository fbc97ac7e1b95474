#include "eval/map_threshold.h"

#include <algorithm>
#include <array>

#include <ccexpert/image/change_map.h>
#include <ccexpert/image/decode.h>

namespace ccexpert::tools {
namespace {

/// Numbers of pixels by their value, in steps.
class Histogram {
 public:
  void add(const image::PixelMap& map, const image::Image& mask) {
    constexpr uint8_t kSmallestChanged = 128;
    for (size_t i = 0; i < map.values.size(); ++i) {
      const auto step = static_cast<size_t>(std::clamp(map.values[i], 0.0F, 1.0F) * kSteps);
      ++(mask.pixels[3 * i] >= kSmallestChanged ? changed_ : unchanged_).at(step);
    }
  }

  /// Returns the step from which on pixels overlap most, and the overlap.
  MapThreshold best() const {
    MapThreshold best;
    double all = 0.0, inside = 0.0, outside = 0.0;
    for (const int64_t pixels : changed_) all += static_cast<double>(pixels);
    for (size_t step = kSteps; step > 0; --step) {
      inside += static_cast<double>(changed_.at(step));
      outside += static_cast<double>(unchanged_.at(step));
      const double overlap = inside / std::max(1.0, all + outside);
      if (overlap > best.overlap) best = {static_cast<double>(step) / kSteps, overlap, 0};
    }
    return best;
  }

 private:
  static constexpr int kSteps = 200;
  std::array<int64_t, kSteps + 1> changed_ = {}, unchanged_ = {};
};

}  // namespace

MapThreshold best_threshold(const eval::EvaluationSet& set) {
  Histogram histogram;
  int64_t masks = 0;
  for (size_t i = 0; i < set.samples.size(); ++i) {
    const auto& change = set.changes[i];
    if (!change || change->grid == 0 || set.masks[i].empty()) continue;
    const auto mask = image::decode_image(set.masks[i]);
    const image::ChangeMap map{change->grid, change->values, change->covered, change->padded};
    histogram.add(image::at_pixels(map, mask.height, mask.width), mask);
    ++masks;
  }
  auto best = histogram.best();
  best.masks = best.overlap > 0.0 ? masks : 0;
  return best;
}

}  // namespace ccexpert::tools

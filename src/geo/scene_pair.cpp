#include "geo/scene_pair.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <ccexpert/core/error.h>

#include "geo/radiometry.h"
#include "geo/warp.h"
#include "image/shared/registration.h"

namespace ccexpert::geo {
namespace {

/// A shift is estimated where so many pixels are valid, and taken if the peak has this share of the
/// correlation and is no farther than this many pixels.
constexpr double kValidForShift = 0.8;
constexpr double kLeastResponse = 0.15;
constexpr double kLargestShift = 32.0;

BufferSize buffer_for(const Window& window) {
  const int64_t longest = std::max(window.width, window.height);
  if (longest <= ScenePair::kLongestSide) return {window.height, window.width};
  const auto scaled = [&](int64_t side) {
    return std::max<int64_t>(1, side * ScenePair::kLongestSide / longest);
  };
  return {scaled(window.height), scaled(window.width)};
}

double share(std::span<const uint8_t> marks) {
  return static_cast<double>(std::ranges::count(marks, 1)) / static_cast<double>(marks.size());
}

}  // namespace

ScenePair::ScenePair(const MapOptions& options) {
  auto first = open_raster(options.before);
  grid_ = grid_of(*first, options.before);
  const auto bands = chosen_bands(*first, options.before, options.bands);
  dates_.emplace_back(std::move(first), options.before, bands);
  dates_.push_back(open_on_grid(options.after, grid_, options.bands, Resampling::kSmooth));
  for (const auto& mask : options.masks)
    masks_.push_back(open_on_grid(mask, grid_, {1}, Resampling::kNearest));
  for (const auto& date : dates_) maps_.push_back(band_maps(date, grid_, options.stretch));
  if (!options.match_radiometry) return;
  const auto hidden_in = [this](const Window& window) {
    return hidden(window, {window.height, window.width});
  };
  maps_[1] = matching_maps({dates_[0], dates_[1], hidden_in}, grid_, maps_[0]);
}

std::vector<uint8_t> ScenePair::hidden(const Window& window, const BufferSize& size) const {
  std::vector<uint8_t> marks(static_cast<size_t>(size.height * size.width), 0);
  for (const auto& mask : masks_) {
    const auto samples = mask.read(window, size);
    // A mask that does not reach a pixel does not hide it.
    for (size_t i = 0; i < marks.size(); ++i) {
      if (samples.valid[i] != 0 && samples.values[i] != 0.0F) marks[i] = 1;
    }
  }
  return marks;
}

void ScenePair::register_tiles(const Window& tile, Registration registration) {
  if (registration == Registration::kOff) return;
  shifts_.emplace(grid_, tile, [this](const Window& window) { return estimated_shift_in(window); });
  corrects_ = registration == Registration::kCorrect;
}

std::optional<Point> ScenePair::estimated_shift_in(const Window& window) const {
  const auto pair = read_plain(window);
  if (pair.valid < kValidForShift) return std::nullopt;
  const auto shift = image::estimated_shift(pair.before.view(), pair.after.view());
  const bool known = shift.response >= kLeastResponse && std::hypot(shift.x, shift.y) <= kLargestShift;
  return known ? std::optional(Point{shift.x, shift.y}) : std::nullopt;
}

TilePair ScenePair::read_plain(const Window& window) const {
  if (dates_[0].is_hole(window) || dates_[1].is_hole(window)) return {};
  const auto size = buffer_for(window);
  return pair_of(window, dates_[0].read(window, size), dates_[1].read(window, size));
}

TilePair ScenePair::read(const Window& window) {
  const auto shift = shifts_ ? shifts_->at(window) : std::nullopt;
  const auto size = buffer_for(window);
  auto pair = shift && corrects_ ? pair_of(window, dates_[0].read(window, size), read_moved(window, *shift))
                                 : read_plain(window);
  pair.shift = shift;
  return pair;
}

Samples ScenePair::read_moved(const Window& window, const Point& shift) const {
  const auto size = buffer_for(window);
  if (size.width == window.width && size.height == window.height)
    return read_shifted(dates_[1], grid_, window, shift);
  return ShrunkShifted(dates_[1], grid_, shift).read(window, size);
}

TilePair ScenePair::pair_of(const Window& window, Samples before, Samples after) const {
  const BufferSize size{before.height, before.width};
  TilePair tile;
  const auto marks = hidden(window, size);
  for (size_t i = 0; i < marks.size(); ++i) {
    const bool valid = before.valid[i] != 0 && after.valid[i] != 0 && marks[i] == 0;
    before.valid[i] = after.valid[i] = valid ? 1 : 0;
  }
  tile.valid = share(before.valid);
  tile.masked = share(marks);
  tile.before = to_image(before, maps_[0], dates_[0].palette());
  tile.after = to_image(after, maps_[1], dates_[1].palette());
  return tile;
}

}  // namespace ccexpert::geo

#include "geo/scene_stack.h"

#include <algorithm>
#include <utility>

#include <ccexpert/core/error.h>

#include "geo/radiometry.h"
#include "geo/warp.h"
#include "image/shared/registration.h"

namespace ccexpert::geo {
namespace {

/// A shift of up to so many pixels is estimated where so many pixels are valid, and taken if its peak is so
/// many times as high as the next one: images of two places have none of these in 746 tries (docs/map.md).
constexpr double kValidForShift = 0.8;
constexpr double kLeastDistinction = 1.6;
constexpr int64_t kLargestShift = 32;

BufferSize buffer_for(const Window& window) {
  const int64_t longest = std::max(window.width, window.height);
  if (longest <= SceneStack::kLongestSide) return {window.height, window.width};
  const auto scaled = [&](int64_t side) {
    return std::max<int64_t>(1, side * SceneStack::kLongestSide / longest);
  };
  return {scaled(window.height), scaled(window.width)};
}

double share(std::span<const uint8_t> marks) {
  return static_cast<double>(std::ranges::count(marks, 1)) / static_cast<double>(marks.size());
}

/// Returns the rasters of a map in the order of time.
std::vector<std::string> rasters_of(const MapOptions& options) {
  if (options.series.empty()) return {options.before, options.after};
  std::vector<std::string> rasters;
  for (const auto& date : options.series) rasters.push_back(date.raster);
  return rasters;
}

/// Makes the pixels that are not valid black.
void blacken(image::Image& image, std::span<const uint8_t> valid) {
  for (size_t i = 0; i < valid.size(); ++i) {
    if (valid[i] == 0) std::fill_n(image.pixels.begin() + static_cast<std::ptrdiff_t>(3 * i), 3, uint8_t{0});
  }
}

}  // namespace

TilePair pair_of(const TileDates& tile, size_t from, size_t to) {
  auto valid = tile.valid[from];
  for (size_t i = 0; i < valid.size(); ++i) valid[i] = valid[i] != 0 && tile.valid[to][i] != 0 ? 1 : 0;
  TilePair pair{
      .before = tile.images[from], .after = tile.images[to], .valid = share(valid), .masked = tile.masked};
  blacken(pair.before, valid);
  blacken(pair.after, valid);
  const auto &first = tile.shifts[from], &second = tile.shifts[to];
  if (first && second) pair.shift = Point{second->x - first->x, second->y - first->y};
  return pair;
}

SceneStack::SceneStack(const MapOptions& options) : is_series_(!options.series.empty()) {
  const auto rasters = rasters_of(options);
  auto first = open_raster(rasters.front());
  grid_ = grid_of(*first, rasters.front());
  const auto bands = chosen_bands(*first, rasters.front(), options.bands);
  dates_.emplace_back(std::move(first), rasters.front(), bands);
  for (size_t i = 1; i < rasters.size(); ++i)
    dates_.push_back(open_on_grid(rasters[i], grid_, options.bands, Resampling::kSmooth));
  for (const auto& mask : options.masks)
    masks_.push_back(open_on_grid(mask, grid_, {1}, Resampling::kNearest));
  for (const auto& date : dates_) maps_.push_back(band_maps(date, grid_, options.stretch));
  if (!options.match_radiometry) return;
  const auto hidden_in = [this](const Window& window) {
    return hidden(window, {window.height, window.width});
  };
  for (size_t i = 1; i < dates_.size(); ++i)
    maps_[i] = matching_maps({dates_[0], dates_[i], hidden_in}, grid_, maps_[0]);
}

std::vector<uint8_t> SceneStack::hidden(const Window& window, const BufferSize& size) const {
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

void SceneStack::register_tiles(const Window& tile, Registration registration) {
  if (registration == Registration::kOff) return;
  for (size_t date = 1; date < dates_.size(); ++date) {
    shifts_.emplace_back(grid_, tile,
                         [this, date](const Window& window) { return estimated_shift_in(window, date); });
  }
  corrects_ = registration == Registration::kCorrect;
}

std::optional<Point> SceneStack::estimated_shift_in(const Window& window, size_t date) const {
  const auto pair = read_plain(window, date);
  if (pair.valid < kValidForShift) return std::nullopt;
  const auto shift = image::estimated_shift(pair.before.view(), pair.after.view(), kLargestShift);
  return shift.distinction >= kLeastDistinction ? std::optional(Point{shift.x, shift.y}) : std::nullopt;
}

std::optional<Point> SceneStack::shift_at(const Window& window, size_t date) {
  if (shifts_.empty()) return std::nullopt;
  return date == 0 ? std::optional(Point{}) : shifts_[date - 1].at(window);
}

TilePair SceneStack::read_plain(const Window& window, size_t date) const {
  if (dates_[0].is_hole(window) || dates_[date].is_hole(window)) return {};
  const auto size = buffer_for(window);
  return pair_with(window, dates_[0].read(window, size), dates_[date].read(window, size), date);
}

TilePair SceneStack::read(const Window& window) {
  const auto shift = shift_at(window, 1);
  const auto size = buffer_for(window);
  auto pair = shift && corrects_
                  ? pair_with(window, dates_[0].read(window, size), read_moved(window, 1, *shift), 1)
                  : read_plain(window, 1);
  pair.shift = shift;
  return pair;
}

TileDates SceneStack::read_all(const Window& window) {
  TileDates tile;
  const auto size = buffer_for(window);
  const auto marks = hidden(window, size);
  tile.masked = share(marks);
  for (size_t date = 0; date < dates_.size(); ++date) {
    const auto shift = shift_at(window, date);
    const bool moves = date > 0 && shift && corrects_;
    auto samples = moves ? read_moved(window, date, *shift) : dates_[date].read(window, size);
    add(tile, std::move(samples), date, marks);
    tile.shifts.push_back(shift);
  }
  return tile;
}

Samples SceneStack::read_moved(const Window& window, size_t date, const Point& shift) const {
  const auto size = buffer_for(window);
  if (size.width == window.width && size.height == window.height)
    return read_shifted(dates_[date], grid_, window, shift);
  return ShrunkShifted(dates_[date], grid_, shift).read(window, size);
}

void SceneStack::add(TileDates& tile, Samples samples, size_t date, std::span<const uint8_t> marks) const {
  for (size_t i = 0; i < marks.size(); ++i) {
    if (marks[i] != 0) samples.valid[i] = 0;
  }
  tile.images.push_back(to_image(samples, maps_[date], dates_[date].palette()));
  tile.valid.push_back(std::move(samples.valid));
}

TilePair SceneStack::pair_with(const Window& window, Samples before, Samples after, size_t date) const {
  const auto marks = hidden(window, {before.height, before.width});
  TileDates tile;
  tile.masked = share(marks);
  add(tile, std::move(before), 0, marks);
  add(tile, std::move(after), date, marks);
  tile.shifts.resize(tile.images.size());
  return pair_of(tile, 0, 1);
}

}  // namespace ccexpert::geo

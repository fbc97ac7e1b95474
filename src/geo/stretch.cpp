#include "geo/stretch.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

#include "geo/value_sample.h"

namespace ccexpert::geo {
namespace {

constexpr int64_t kSampleSide = 64;
constexpr int64_t kSamplesAlong = 16;
/// Side of the windows of a scan of the whole scene, of which every kScanStep-th pixel is taken. A prime, so
/// that the pixels are not in columns.
constexpr int64_t kScanSide = 512;
constexpr size_t kScanStep = 61;

/// Returns up to kSamplesAlong starts of windows along a length.
std::vector<int64_t> starts_along(int64_t length) {
  const int64_t side = std::min(length, kSampleSide);
  const int64_t count = std::clamp<int64_t>(length / side, 1, kSamplesAlong);
  std::vector<int64_t> starts;
  for (int64_t i = 0; i < count; ++i) starts.push_back((length - side) * (2 * i + 1) / (2 * count));
  return starts;
}

BandMap map_of(double low, double high) {
  const double gain = high > low ? 255.0 / (high - low) : 0.0;
  return {gain, -low * gain};
}

using BandValues = std::vector<ValueSample>;

/// Adds the pixels of a window that are valid to the values of each band.
void add_valid(const Raster& raster, const ScanWindow& scan, BandValues& bands) {
  const auto samples = raster.read(scan.window, {scan.window.height, scan.window.width});
  for (size_t band = 0; band < bands.size(); ++band) {
    for (size_t i = 0; i < samples.pixels(); i += scan.step) {
      if (samples.valid[i] != 0) bands[band].add(samples.values[band * samples.pixels() + i]);
    }
  }
}

/// Returns the valid samples of each band, or a part of them.
BandValues values_in(const Raster& raster, std::span<const ScanWindow> windows) {
  BandValues bands(static_cast<size_t>(raster.bands()));
  for (const auto& scan : windows) {
    if (!raster.is_hole(scan.window)) add_valid(raster, scan, bands);
  }
  return bands;
}

/// Returns the maps by percentiles, or nothing if a band has none or equal ones.
std::optional<std::vector<BandMap>> percentile_maps(BandValues bands, const Stretch& stretch) {
  std::vector<BandMap> maps;
  for (auto& values : bands) {
    if (values.is_empty()) return std::nullopt;
    const double low = values.percentile(stretch.low);
    const double high = values.percentile(stretch.high);
    if (high <= low) return std::nullopt;
    maps.push_back(map_of(low, high));
  }
  return maps;
}

uint8_t to_byte(double value) {
  return static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
}

}  // namespace

std::vector<ScanWindow> sampled_windows(const Grid& grid) {
  std::vector<ScanWindow> windows;
  for (const int64_t y : starts_along(grid.height)) {
    for (const int64_t x : starts_along(grid.width))
      windows.push_back({{x, y, std::min(grid.width, kSampleSide), std::min(grid.height, kSampleSide)}, 1});
  }
  return windows;
}

std::vector<ScanWindow> scan_windows(const Grid& grid) {
  std::vector<ScanWindow> windows;
  for (int64_t y = 0; y < grid.height; y += kScanSide) {
    for (int64_t x = 0; x < grid.width; x += kScanSide) {
      const auto side = [](int64_t at, int64_t length) { return std::min(kScanSide, length - at); };
      windows.push_back({{x, y, side(x, grid.width), side(y, grid.height)}, kScanStep});
    }
  }
  return windows;
}

std::vector<BandMap> band_maps(const Raster& raster, const Grid& grid, const Stretch& stretch) {
  using Kind = Stretch::Kind;
  const auto bands = static_cast<size_t>(raster.bands());
  const bool as_it_is = stretch.kind == Kind::kNone || (stretch.kind == Kind::kAuto && raster.has_8_bits());
  if (as_it_is || !raster.palette().empty()) return std::vector<BandMap>(bands);
  if (stretch.kind == Kind::kFixed) return std::vector<BandMap>(bands, map_of(stretch.low, stretch.high));
  if (auto maps = percentile_maps(values_in(raster, sampled_windows(grid)), stretch)) return *maps;
  // Data may lie between the windows.
  if (auto maps = percentile_maps(values_in(raster, scan_windows(grid)), stretch)) return *maps;
  fail_expected({raster.name(),
                 fmt::format("bands whose percentiles {} and {} differ", stretch.low, stretch.high),
                 "one without contrast or valid pixels", "--stretch fixed:MIN,MAX gives the values"});
}

image::Image to_image(const Samples& samples, std::span<const BandMap> maps,
                      const std::vector<uint8_t>& palette) {
  const size_t pixels = samples.pixels();
  image::Image image{samples.height, samples.width, std::vector<uint8_t>(3 * pixels)};
  for (size_t i = 0; i < pixels; ++i) {
    if (samples.valid[i] == 0) continue;
    for (size_t channel = 0; channel < 3; ++channel) {
      const size_t band = maps.size() == 1 ? 0 : channel;
      const auto value = static_cast<double>(samples.values[band * pixels + i]);
      auto byte = to_byte(maps[band].gain * value + maps[band].offset);
      if (!palette.empty()) {
        const size_t place = 3 * static_cast<size_t>(std::max(0.0, value)) + channel;
        byte = place < palette.size() ? palette[place] : uint8_t{0};
      }
      image.pixels[3 * i + channel] = byte;
    }
  }
  return image;
}

}  // namespace ccexpert::geo

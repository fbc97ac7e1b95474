#include "geo/radiometry.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <ccexpert/core/error.h>

namespace ccexpert::geo {
namespace {

/// Pixels that are enough to know mean and deviation; of a small scene a quarter.
constexpr double kEnoughPixels = 65'536.0;
constexpr double kEnoughShare = 0.25;
/// Deviation of rounding, as a share of the mean.
constexpr double kFlat = 1e-5;

/// Running mean and deviation of a band.
struct Moments {
  double count = 0.0, sum = 0.0, squares = 0.0;

  void add(double value) {
    count += 1.0;
    sum += value;
    squares += value * value;
  }
  double mean() const { return sum / count; }
  double deviation() const { return std::sqrt(std::max(0.0, squares / count - mean() * mean())); }
  bool is_flat() const { return deviation() <= kFlat * std::abs(mean()); }
};

/// Moments of the bands of both dates, of pixels that both have.
struct PairMoments {
  std::vector<Moments> before, after;

  explicit PairMoments(int64_t bands)
      : before(static_cast<size_t>(bands)), after(static_cast<size_t>(bands)) {}

  void add(const Dates& dates, const ScanWindow& scan, std::span<const BandMap> first) {
    const auto& window = scan.window;
    if (dates.before.is_hole(window) || dates.after.is_hole(window)) return;
    const BufferSize size{window.height, window.width};
    const auto one = dates.before.read(window, size);
    const auto other = dates.after.read(window, size);
    const auto hidden = dates.hidden(window);
    for (size_t pixel = 0; pixel < one.pixels(); pixel += scan.step) {
      if (one.valid[pixel] == 0 || other.valid[pixel] == 0 || hidden[pixel] != 0) continue;
      for (size_t band = 0; band < before.size(); ++band) {
        const size_t at = band * one.pixels() + pixel;
        before[band].add(first[band].gain * static_cast<double>(one.values[at]) + first[band].offset);
        after[band].add(static_cast<double>(other.values[at]));
      }
    }
  }
  bool has_contrast() const {
    const auto varies = [](const Moments& moments) { return moments.count > 0.0 && !moments.is_flat(); };
    return std::ranges::all_of(before, varies) && std::ranges::all_of(after, varies);
  }
};

PairMoments moments_of(const Dates& dates, std::span<const ScanWindow> windows,
                       std::span<const BandMap> first) {
  PairMoments moments(dates.before.bands());
  for (const auto& window : windows) moments.add(dates, window, first);
  return moments;
}

PairMoments moments_of(const Dates& dates, const Grid& grid, std::span<const BandMap> first) {
  auto moments = moments_of(dates, sampled_windows(grid), first);
  const double pixels = static_cast<double>(grid.width) * static_cast<double>(grid.height);
  const double enough = std::min(kEnoughPixels, kEnoughShare * pixels);
  if (moments.before.front().count >= enough && moments.has_contrast()) return moments;
  // What both dates have may lie between the windows.
  auto all = moments_of(dates, scan_windows(grid), first);
  return all.before.front().count > moments.before.front().count || !moments.has_contrast() ? all : moments;
}

void expect_contrast(const Dates& dates, const PairMoments& moments) {
  if (moments.before.front().count == 0.0)
    fail_expected({"--match-radiometry", "ground with values at both dates", "none"});
  for (size_t band = 0; band < moments.before.size(); ++band) {
    const bool flat_before = moments.before[band].is_flat();
    if (!flat_before && !moments.after[band].is_flat()) continue;
    const auto& name = flat_before ? dates.before.name() : dates.after.name();
    fail_expected({"--match-radiometry", "two dates whose bands have contrast",
                   fmt::format("one value in band {} of {}", band + 1, name)});
  }
}

}  // namespace

std::vector<BandMap> matching_maps(const Dates& dates, const Grid& grid, std::span<const BandMap> first) {
  if (!dates.before.palette().empty() || !dates.after.palette().empty() ||
      dates.before.bands() != dates.after.bands())
    fail_expected({"--match-radiometry", "two dates with the same bands and no palette", "others"});
  const auto moments = moments_of(dates, grid, first);
  expect_contrast(dates, moments);
  std::vector<BandMap> maps;
  for (size_t band = 0; band < first.size(); ++band) {
    const auto& before = moments.before[band];
    const auto& after = moments.after[band];
    const double gain = before.deviation() / after.deviation();
    maps.push_back({gain, before.mean() - gain * after.mean()});
  }
  return maps;
}

}  // namespace ccexpert::geo

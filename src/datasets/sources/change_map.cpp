#include "datasets/sources/change_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>

namespace ccexpert::datasets {
namespace {

/// Returns 255 where pixels have this kind, or any kind if it is 0.
cv::Mat mask_of(const ChangeMap& map, int kind) {
  cv::Mat mask(static_cast<int>(map.height), static_cast<int>(map.width), CV_8U);
  std::transform(map.kinds.begin(), map.kinds.end(), mask.begin<uint8_t>(), [&](uint8_t each) {
    return static_cast<uint8_t>(each != 0 && (kind == 0 || each == kind) ? 255 : 0);
  });
  return mask;
}

struct Region {
  int64_t pixels = 0;
  double row = 0.0;     ///< row of its centre
  double column = 0.0;  ///< column of its centre
  Window box;
};

std::vector<Region> regions_of(const cv::Mat& mask) {
  cv::Mat labels, statistics, centres;
  const int count = cv::connectedComponentsWithStats(mask, labels, statistics, centres, 8, CV_32S);
  std::vector<Region> regions;
  for (int i = 1; i < count; ++i) {
    const auto* row = statistics.ptr<int>(i);
    const auto* centre = centres.ptr<double>(i);
    regions.push_back(
        {row[cv::CC_STAT_AREA],
         centre[1],
         centre[0],
         {row[cv::CC_STAT_TOP], row[cv::CC_STAT_LEFT], row[cv::CC_STAT_HEIGHT], row[cv::CC_STAT_WIDTH]}});
  }
  return regions;
}

/// Returns the third of `size` that contains a place.
int third(double place, int64_t size) {
  return std::clamp(static_cast<int>(3.0 * place / static_cast<double>(size)), 0, 2);
}

/// Returns the index of the grid cell that contains a region's centre.
size_t field_of(const Region& region, const ChangeMap& map) {
  return 3 * static_cast<size_t>(third(region.row, map.height)) +
         static_cast<size_t>(third(region.column, map.width));
}

/// Returns the grid cell that contains nearly all regions and nearly all of their pixels, else kSpread.
Area area_of(const std::vector<Region>& regions, const ChangeMap& map) {
  // A region as wide as the scene has its centre in the middle but covers all cells.
  const bool wide = std::any_of(regions.begin(), regions.end(), [&](const Region& region) {
    return 3 * region.box.height > 2 * map.height && 3 * region.box.width > 2 * map.width;
  });
  if (wide) return Area::kAcross;
  std::array<int64_t, 9> pixels{}, numbers{};
  int64_t total = 0;
  for (const auto& region : regions) {
    pixels[field_of(region, map)] += region.pixels;
    ++numbers[field_of(region, map)];
    total += region.pixels;
  }
  const auto most = static_cast<size_t>(std::max_element(pixels.begin(), pixels.end()) - pixels.begin());
  // Captions count the regions, so most regions must be in the cell that the caption names.
  const auto nearly_all = [](int64_t part, int64_t whole) { return 4 * part >= 3 * whole; };
  const bool there =
      nearly_all(pixels[most], total) && nearly_all(numbers[most], static_cast<int64_t>(regions.size()));
  return there ? static_cast<Area>(most) : Area::kSpread;
}

double pixels_of(const ChangeMap& map) {
  return static_cast<double>(map.height) * static_cast<double>(map.width);
}

/// Returns a square around the centre of `box`, moved into the image.
Window square_around(const Window& box, int64_t side, const ChangeMap& map) {
  const auto place = [](int64_t start, int64_t length, int64_t window, int64_t size) {
    return std::clamp<int64_t>(start + length / 2 - window / 2, 0, size - window);
  };
  return {place(box.top, box.height, side, map.height), place(box.left, box.width, side, map.width), side,
          side};
}

/// Returns the share of `box` inside `window`.
double covered(const Window& box, const Window& window) {
  const auto overlap = [](int64_t a, int64_t n, int64_t b, int64_t m) {
    return std::max<int64_t>(0, std::min(a + n, b + m) - std::max(a, b));
  };
  const auto shared = overlap(box.top, box.height, window.top, window.height) *
                      overlap(box.left, box.width, window.left, window.width);
  return static_cast<double>(shared) / static_cast<double>(box.height * box.width);
}

/// Joins nearby regions. Box and number of pixels include only the changed pixels.
std::vector<Region> clusters_of(const cv::Mat& mask) {
  const int reach = std::max(3, std::max(mask.rows, mask.cols) / 24);
  cv::Mat grown, labels;
  cv::dilate(mask, grown, cv::getStructuringElement(cv::MORPH_RECT, {2 * reach + 1, 2 * reach + 1}));
  const int count = cv::connectedComponents(grown, labels, 8, CV_32S);
  std::vector<Region> clusters;
  for (int i = 1; i < count; ++i) {
    const cv::Mat changed = (labels == i) & mask;
    const auto box = cv::boundingRect(changed);
    clusters.push_back({cv::countNonZero(changed), 0.0, 0.0, {box.y, box.x, box.height, box.width}});
  }
  std::stable_sort(clusters.begin(), clusters.end(),
                   [](const Region& a, const Region& b) { return a.pixels > b.pixels; });
  return clusters;
}

int64_t side_for(const Region& cluster, const ChangeMap& map, const CropOptions& options) {
  const double filled = std::sqrt(static_cast<double>(cluster.pixels) / std::max(options.target_share, 1e-6));
  const auto wanted =
      std::max({static_cast<int64_t>(filled), cluster.box.height, cluster.box.width, options.least_side});
  return std::min({wanted, map.height, map.width});
}

}  // namespace

std::vector<MaskFact> facts_of(const ChangeMap& map, double least_share) {
  const std::set<uint8_t> kinds(map.kinds.begin(), map.kinds.end());
  const double least = std::max(1.0, least_share * pixels_of(map));
  std::vector<MaskFact> facts;
  for (const int kind : kinds) {
    if (kind == 0) continue;
    auto regions = regions_of(mask_of(map, kind));
    std::erase_if(regions, [&](const Region& region) { return static_cast<double>(region.pixels) < least; });
    if (regions.empty()) continue;
    MaskFact fact{.kind = kind, .count = static_cast<int64_t>(regions.size()), .area = area_of(regions, map)};
    for (const auto& region : regions) fact.share += static_cast<double>(region.pixels) / pixels_of(map);
    facts.push_back(fact);
  }
  std::stable_sort(facts.begin(), facts.end(),
                   [](const MaskFact& a, const MaskFact& b) { return a.share > b.share; });
  return facts;
}

std::vector<Window> windows_of(const ChangeMap& map, const CropOptions& options) {
  const Window whole{0, 0, map.height, map.width};
  const auto mask = mask_of(map, 0);
  const double share = cv::countNonZero(mask) / pixels_of(map);
  if (!options.enabled || share == 0.0 || share >= options.whole_share) return {whole};
  std::vector<Window> windows;
  for (const auto& cluster : clusters_of(mask)) {
    if (static_cast<int64_t>(windows.size()) == options.most) break;
    if (static_cast<double>(cluster.pixels) < options.least_share * pixels_of(map)) continue;
    constexpr double kSeen = 0.7;
    const bool seen = std::any_of(windows.begin(), windows.end(), [&](const Window& window) {
      return covered(cluster.box, window) >= kSeen;
    });
    if (!seen) windows.push_back(square_around(cluster.box, side_for(cluster, map, options), map));
  }
  return windows.empty() ? std::vector{whole} : windows;
}

ChangeMap cut(const ChangeMap& map, const Window& window) {
  ChangeMap result{window.height, window.width, {}};
  for (int64_t y = window.top; y < window.top + window.height; ++y) {
    const auto row = map.kinds.begin() + y * map.width + window.left;
    result.kinds.insert(result.kinds.end(), row, row + window.width);
  }
  return result;
}

image::Image cut(const image::Image& image, const Window& window) {
  image::Image result{window.height, window.width, {}};
  for (int64_t y = window.top; y < window.top + window.height; ++y) {
    const auto row = image.pixels.begin() + 3 * (y * image.width + window.left);
    result.pixels.insert(result.pixels.end(), row, row + 3 * window.width);
  }
  return result;
}

}  // namespace ccexpert::datasets

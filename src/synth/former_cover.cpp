#include "synth/former_cover.h"

#include <algorithm>
#include <map>

namespace ccexpert::synth {
namespace {

Cover cover_of(Ground ground) {
  switch (ground) {
    case Ground::kBare:
    case Ground::kWorks:
      return Cover::kBareland;
    case Ground::kDesert:
      return Cover::kDesert;
    case Ground::kMeadow:
      return Cover::kMeadow;
    case Ground::kDryMeadow:
      return Cover::kDryland;
    case Ground::kLawn:
      return Cover::kLawn;
    case Ground::kField:
      return Cover::kField;
    default:
      return Cover::kWoods;
  }
}

/// True if a road or a flat object is there.
bool is_laid_over(const Scene& scene, Point point, int date) {
  return std::any_of(scene.patches.begin(), scene.patches.end(),
                     [&](const Patch& patch) {
                       return stands(patch.dates, date) && contains(patch.outline, point);
                     }) ||
         std::any_of(scene.roads.begin(), scene.roads.end(), [&](const Road& road) {
           return stands(road.dates, date) && distance(road.line, point) < road.half(date);
         });
}

Cover cover_at(const Scene& scene, Point point, int date) {
  const bool wooded = std::any_of(scene.trees.begin(), scene.trees.end(), [&](const Tree& tree) {
    return stands(tree.dates, date) && length(tree.at - point) < tree.radius;
  });
  if (wooded) return Cover::kWoods;
  return is_laid_over(scene, point, date) ? Cover::kMixed : cover_of(ground_at(scene, point, date));
}

}  // namespace

bool is_built_over(const Scene& scene, Point point, int date) {
  return std::any_of(scene.buildings.begin(), scene.buildings.end(), [&](const Building& building) {
    return stands(building.dates, date) && contains(building.extent, point);
  });
}

Cover former_cover(const Scene& scene, const std::vector<Point>& points) {
  std::map<Cover, size_t> votes;
  // About sixty points are enough for a vote of six to four.
  const size_t step = points.size() / 64 + 1;
  size_t voters = 0;
  size_t built_over = 0;
  for (size_t i = step / 2; i < points.size(); i += step, ++voters) {
    const Point point = points[i];
    built_over += is_built_over(scene, point, 0) ? 1 : 0;
    ++votes[cover_at(scene, point, 0)];
  }
  if (built_over * 8 > voters) return Cover::kMixed;
  for (const auto& [cover, count] : votes) {
    // Land with crowns over two fifths of it is a wood to people.
    if (count * 10 >= voters * (cover == Cover::kWoods ? 4 : 6)) return cover;
  }
  return Cover::kMixed;
}

}  // namespace ccexpert::synth

#include "synth/scene.h"

#include <algorithm>

namespace ccexpert::synth {
namespace {

/// Obstacle for trees at one date, with a box for a fast check of every tree.
struct Obstacle {
  Box box;
  const Polygon* outline;
  double margin;
};

std::vector<Obstacle> obstacles(const Scene& scene, int date) {
  std::vector<Obstacle> found;
  for (const auto& building : scene.buildings) {
    if (stands(building.dates, date)) found.push_back({building.extent, nullptr, 0.55});
  }
  for (const auto& patch : scene.patches) {
    if (stands(patch.dates, date)) found.push_back({bounding_box(patch.outline), &patch.outline, 0.5});
  }
  for (const auto& zone : scene.zones) {
    // Ground that was cleared, or became a lawn, between the dates keeps none of the earlier trees.
    const bool clearing = zone.ground == Ground::kWorks || zone.ground == Ground::kField ||
                          (zone.dates != kBoth && zone.ground != Ground::kWoodFloor);
    if (clearing && stands(zone.dates, date)) found.push_back({bounding_box(zone.outline), &zone.outline, 0});
  }
  return found;
}

bool blocked(const Obstacle& obstacle, const Tree& tree) {
  if (tree.yard && obstacle.outline != nullptr && obstacle.margin == 0) return false;
  if (!contains(obstacle.box.grown(obstacle.margin * tree.radius), tree.at)) return false;
  return obstacle.outline == nullptr || contains(*obstacle.outline, tree.at) || obstacle.margin > 0;
}

bool on_road(const Scene& scene, const Tree& tree, int date) {
  return std::any_of(scene.roads.begin(), scene.roads.end(), [&](const Road& road) {
    if (!stands(road.dates, date)) return false;
    const double reach = road.half(date) + (road.sidewalk ? 2 * scene.metre : 0) + 0.4 * tree.radius;
    return distance(road.line, tree.at) < reach ||
           (road.bulb > 0 && length(tree.at - road.line.back()) < road.bulb + 0.5 * tree.radius);
  });
}

template <class Items>
void freeze_each(Items& items, int date) {
  for (auto& item : items) item.dates = {stands(item.dates, date), stands(item.dates, date)};
}

const Zone* topmost(const std::vector<Zone>& zones, Point point, int date) {
  const auto top = std::find_if(zones.rbegin(), zones.rend(), [&](const Zone& zone) {
    return stands(zone.dates, date) && contains(zone.outline, point);
  });
  return top != zones.rend() ? &*top : nullptr;
}

}  // namespace

Ground laid_ground_at(const Scene& scene, Point point, int date) {
  const auto* zone = topmost(scene.zones, point, date);
  return zone != nullptr ? zone->ground : scene.ground;
}

Ground ground_at(const Scene& scene, Point point, int date) {
  for (const auto* layer : {&scene.zones, &scene.covers}) {
    if (const auto* zone = topmost(*layer, point, date)) return zone->ground;
  }
  return scene.ground;
}

bool is_free(const Scene& scene, const Box& box, double margin) {
  const Box wide = box.grown(margin);
  for (const auto& road : scene.roads) {
    if (distance(road.line, box) < road.widest() / 2 + margin || contains(box, road.line.back()))
      return false;
    if (road.bulb > 0 && overlap(wide, {road.line.back(), {1, 0}, 2 * road.bulb, 2 * road.bulb}))
      return false;
  }
  const auto hits = [&](const auto& item, const Box& other) {
    return item.dates != Dates{} && overlap(wide, other);
  };
  return std::none_of(scene.buildings.begin(), scene.buildings.end(),
                      [&](const auto& each) { return hits(each, each.extent); }) &&
         std::none_of(scene.patches.begin(), scene.patches.end(),
                      [&](const auto& each) { return hits(each, each.frame); });
}

void freeze(Scene& scene, int date) {
  freeze_each(scene.zones, date);
  freeze_each(scene.patches, date);
  freeze_each(scene.buildings, date);
  freeze_each(scene.trees, date);
  for (auto& fence : scene.fences) {
    if (!fence.passing) fence.dates = {stands(fence.dates, date), stands(fence.dates, date)};
  }
  freeze_each(scene.roads, date);
  // Cars come and go even in unchanged scenes.
  for (auto& car : scene.cars) {
    const bool parked = stands(car.dates, date);
    car.dates = {parked && car.look % 3 != 0, parked && car.look % 5 > 1};
  }
  for (auto& road : scene.roads) road.width.fill(2 * road.half(date));
}

void clear_trees(Scene& scene) {
  const std::array<std::vector<Obstacle>, 2> found{obstacles(scene, 0), obstacles(scene, 1)};
  for (auto& tree : scene.trees) {
    const bool planted = tree.dates == kOnlyAfter;
    for (int date = 0; date < 2; ++date) {
      const auto& here = found[static_cast<size_t>(date)];
      if (on_road(scene, tree, date) ||
          std::any_of(here.begin(), here.end(), [&](const auto& each) { return blocked(each, tree); }))
        tree.dates[static_cast<size_t>(date)] = false;
    }
    if (!planted) tree.dates[1] = tree.dates[0] && tree.dates[1];
  }
  std::erase_if(scene.trees, [](const Tree& tree) { return tree.dates == Dates{}; });
  std::erase_if(scene.shrubs, [&](const Tree& shrub) {
    const auto in_the_way = [&](int date) {
      const auto& here = found[static_cast<size_t>(date)];
      return on_road(scene, shrub, date) ||
             std::any_of(here.begin(), here.end(), [&](const auto& each) { return blocked(each, shrub); });
    };
    return in_the_way(0) || in_the_way(1);
  });
}

Box bounding_box(const Polygon& points) {
  Point low{1e9, 1e9};
  Point high{-1e9, -1e9};
  for (const Point point : points) {
    low = {std::min(low.x, point.x), std::min(low.y, point.y)};
    high = {std::max(high.x, point.x), std::max(high.y, point.y)};
  }
  return {(low + high) * 0.5, {1, 0}, high.x - low.x, high.y - low.y};
}

}  // namespace ccexpert::synth

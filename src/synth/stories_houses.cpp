// Houses that are built, removed or replaced.
#include <algorithm>
#include <numbers>

#include "synth/story_parts.h"

namespace ccexpert::synth {
namespace {

/// Adds foundations, which exist before walls.
void add_foundations(Random& random, Scene& scene, const std::vector<Lot>& lots) {
  for (const auto& lot : lots) {
    if (!random.chance(0.3)) continue;
    const Box slab = lot.house.grown(-scene.metre);
    scene.patches.push_back(
        {PatchKind::kPath, slab.outline(), slab, static_cast<uint32_t>(random.below(1000)), kOnlyBefore});
  }
}

/// Returns which visible lots change: a run of neighbours, scattered ones, one side, or all.
std::vector<bool> choose_lots(Random& random, const Scene& scene, const std::vector<Lot>& lots) {
  std::vector<size_t> visible;
  for (size_t i = 0; i < lots.size(); ++i) {
    if (seen(scene, lots[i])) visible.push_back(i);
  }
  std::vector<bool> chosen(lots.size(), false);
  if (visible.empty()) return chosen;
  const int count = static_cast<int>(visible.size());
  const int pattern = random.weighted({0.4, 0.25, 0.15, 0.2});
  const int run = pattern == 0 ? random.between(1, std::min(count, 8)) : count;
  const size_t start = static_cast<size_t>(random.below(count));
  const int side = random.chance(0.5) ? 1 : -1;
  const double density = pattern == 1 ? random.uniform(0.1, 0.5) : 1;
  for (int i = 0; i < run; ++i) {
    const size_t index = visible[(start + static_cast<size_t>(i)) % visible.size()];
    chosen[index] = random.chance(density) && (pattern != 2 || lots[index].side == side);
  }
  return chosen;
}

/// Adds large buildings and parking lots that exist at both dates next to the change, so that an unchanged
/// one gives no hint about the rest.
void add_bystanders(Random& random, Scene& scene) {
  if (!random.chance(0.3)) return;
  const bool by_road = random.chance(0.5);
  for (int i = random.weighted({0.7, 0.3}) + 1; i > 0; --i) {
    if (const auto place = place_for(random, scene, 22, 60, by_road))
      add_large_building(random, scene, *place, kBoth);
  }
  if (!random.chance(0.5)) return;
  if (const auto place = place_for(random, scene, 22, 45, by_road)) add_parking(random, scene, *place, kBoth);
}

/// Composes a street with houses, some of which appear or are removed.
void houses_change(Random& random, Scene& scene, Dates dates) {
  lay_ground(random, scene, any_ground(random));
  scene.roads = street_plan(random, scene, kBoth);
  add_bystanders(random, scene);
  const auto style = suburb_style(random, scene);
  const auto lots = lots_along(random, scene, style);
  const auto chosen = choose_lots(random, scene, lots);
  std::vector<Lot> changing;
  std::vector<Lot> standing;
  const double filled = random.chance(0.35) ? random.uniform(0, 0.3) : random.uniform(0.6, 1);
  for (size_t i = 0; i < lots.size(); ++i) {
    if (chosen[i])
      changing.push_back(lots[i]);
    else if (random.chance(filled))
      standing.push_back(lots[i]);
  }
  const bool levelled = random.chance(0.45);
  if (levelled) level_lots(scene, changing, kBoth);
  if (levelled && dates == kOnlyAfter && random.chance(0.3)) add_foundations(random, scene, changing);
  const bool all_levelled = random.chance(0.15);
  if (all_levelled) level_lots(scene, lots, kBoth);
  if (!levelled && !all_levelled && random.chance(0.5)) spare_trees(random, scene, random.uniform(0.1, 0.7));
  add_houses(random, scene, style, standing, kBoth);
  add_houses(random, scene, style, changing, dates);
}

/// Returns 0 to `count` - 1 in any order.
std::vector<size_t> order_of(Random& random, size_t count) {
  std::vector<size_t> order(count);
  for (size_t i = 0; i < count; ++i) order[i] = i;
  for (size_t i = count; i > 1; --i)
    std::swap(order[i - 1], order[static_cast<size_t>(random.below(static_cast<int>(i)))]);
  return order;
}

/// Makes some streets of an estate new; the main street stays.
void open_streets(Random& random, Scene& scene) {
  const double share = random.uniform(0.3, 1);
  for (size_t i = 1; i < scene.roads.size(); ++i) {
    if (random.chance(share)) scene.roads[i].dates = kOnlyAfter;
  }
}

/// Removes and returns the lots along roads that exist at both dates.
std::vector<Lot> take_lots_on_old_roads(const Scene& scene, std::vector<Lot>& lots) {
  const auto is_new = [&](const Lot& lot) {
    return scene.roads[static_cast<size_t>(lot.road)].dates != kBoth;
  };
  const auto old = std::stable_partition(lots.begin(), lots.end(), is_new);
  std::vector<Lot> taken(old, lots.end());
  lots.erase(old, lots.end());
  return taken;
}

/// Lets the first part of a new road exist before, so that the road becomes longer.
void keep_first_part(Random& random, Scene& scene) {
  Road& road = scene.roads.front();
  const auto middle = static_cast<double>(road.line.size()) * (road.bulb > 0 ? 0.7 : 0.5);
  const auto cut = static_cast<std::ptrdiff_t>(middle + random.between(-5, 5));
  Road old = road;
  old.bulb = 0;
  old.dates = kBoth;
  old.line.assign(road.line.begin(), road.line.begin() + cut + 1);
  old.whole = 0;
  road.line.erase(road.line.begin(), road.line.begin() + cut);
  road.start = line_length(old.line);
  scene.roads.push_back(std::move(old));
}

}  // namespace

void houses_built(Random& random, Scene& scene) {
  houses_change(random, scene, kOnlyAfter);
}

void houses_removed(Random& random, Scene& scene) {
  houses_change(random, scene, kOnlyBefore);
}

void neighbourhood_built(Random& random, Scene& scene) {
  lay_ground(random, scene, open_ground(random));
  if (random.chance(0.4)) {
    const auto old =
        road_line(random, scene, RoadShape::kStraight,
                  {scene.size * 0.5, scene.size * random.uniform(0.05, 0.2)}, 0.1 * random.bell());
    scene.roads.push_back(street(random, scene, old, kBoth));
  }
  const bool estate = random.chance(0.35);
  for (auto& road : estate ? estate_plan(random, scene, kOnlyAfter) : street_plan(random, scene, kOnlyAfter))
    scene.roads.push_back(std::move(road));
  if (scene.roads.size() == 1 && random.chance(0.3)) keep_first_part(random, scene);
  add_bystanders(random, scene);
  const auto style = suburb_style(random, scene);
  auto lots = lots_along(random, scene, style);
  const double filled = random.chance(0.55) ? 1 : random.uniform(0.4, 1);
  std::erase_if(lots, [&](const Lot& lot) { return !seen(scene, lot) || !random.chance(filled); });
  std::vector<Lot> standing;
  if (random.chance(0.6)) standing = take_lots_on_old_roads(scene, lots);
  if (random.chance(0.2))
    level_lots(scene, lots, kOnlyAfter);
  else if (random.chance(0.6))
    spare_trees(random, scene, random.uniform(0.1, 0.7));
  add_houses(random, scene, style, standing, kBoth);
  add_houses(random, scene, style, lots, kOnlyAfter);
}

void houses_rebuilt(Random& random, Scene& scene) {
  lay_ground(random, scene, any_ground(random));
  scene.roads = street_plan(random, scene, kBoth);
  const auto style = suburb_style(random, scene);
  const auto lots = lots_along(random, scene, style);
  const int most = random.weighted({0.7, 0.2, 0.1}) + 1;
  int count = 0;
  for (size_t i : order_of(random, lots.size())) {
    if (count == most || !seen(scene, lots[i])) {
      if (random.chance(0.8)) add_houses(random, scene, style, {lots[i]}, kBoth);
      continue;
    }
    Lot old = lots[i];
    old.house = {old.house.at(0, 0.05 * old.house.depth), old.house.axis,
                 old.house.width * random.uniform(0.5, 0.8), old.house.depth * random.uniform(0.5, 0.8)};
    add_houses(random, scene, style, {old}, kOnlyBefore);
    add_houses(random, scene, style, {lots[i]}, kOnlyAfter);
    ++count;
  }
}

void estate_grows(Random& random, Scene& scene) {
  lay_ground(random, scene, open_ground(random));
  scene.roads = estate_plan(random, scene, kBoth);
  if (random.chance(0.5)) open_streets(random, scene);
  const auto style = suburb_style(random, scene);
  const auto lots = lots_along(random, scene, style);
  const Point middle{scene.size / 2.0, scene.size / 2.0};
  const Point ahead = direction(random.uniform(0, 2 * std::numbers::pi));
  const double front = scene.size * random.uniform(-0.35, 0.35);
  const double filled = random.uniform(0.6, 1.05);
  const double built = random.chance(0.5) ? random.uniform(0.2, 0.6) : random.uniform(0.6, 1.05);
  std::vector<Lot> standing;
  std::vector<Lot> changing;
  std::vector<Lot> open;
  for (const auto& lot : lots) {
    const bool is_new = scene.roads[static_cast<size_t>(lot.road)].dates != kBoth;
    if (is_new || dot(lot.house.centre - middle, ahead) > front)
      (seen(scene, lot) && random.chance(built) ? changing : open).push_back(lot);
    else if (random.chance(filled))
      standing.push_back(lot);
  }
  const int ground = random.weighted({0.5, 0.2, 0.3});
  if (ground < 2) {
    level_lots(scene, changing, ground == 0 ? kBoth : kOnlyAfter);
    level_lots(scene, open, ground == 0 ? kBoth : kOnlyAfter);
  } else if (random.chance(0.5)) {
    spare_trees(random, scene, random.uniform(0.1, 0.7));
  }
  if (ground == 0 && random.chance(0.4)) add_foundations(random, scene, changing);
  add_houses(random, scene, style, standing, kBoth);
  add_houses(random, scene, style, changing, kOnlyAfter);
}

void houses_replaced(Random& random, Scene& scene) {
  lay_ground(random, scene, any_ground(random));
  scene.roads = street_plan(random, scene, kBoth);
  const auto style = suburb_style(random, scene);
  const auto lots = lots_along(random, scene, style);
  const auto place = place_for(random, scene, 30, 55, true);
  if (!place) return;
  std::vector<Lot> gone;
  std::vector<Lot> standing;
  for (const auto& lot : lots) {
    if (!overlap(place->grown(2 * scene.metre), lot.ground))
      standing.push_back(lot);
    else if (seen(scene, lot))
      gone.push_back(lot);
  }
  add_houses(random, scene, style, standing, kBoth);
  add_houses(random, scene, style, gone, kOnlyBefore);
  if (random.chance(0.6))
    add_large_building(random, scene, *place, kOnlyAfter);
  else
    add_parking(random, scene, *place, kOnlyAfter);
}

}  // namespace ccexpert::synth

// Large buildings, flat objects, roads and trees that come or go.
#include <algorithm>

#include "synth/story_parts.h"

namespace ccexpert::synth {
void large_building_changes(Random& random, Scene& scene) {
  lay_setting(random, scene);
  const Dates dates = random.chance(0.75) ? kOnlyAfter : kOnlyBefore;
  for (int i = random.weighted({0.6, 0.3, 0.1}) + 1; i > 0; --i) {
    const auto place = place_for(random, scene, 24, 60, random.chance(0.6));
    if (!place) continue;
    if (random.chance(0.4))
      scene.zones.push_back(
          {place->grown(6 * scene.metre).outline(), Ground::kWorks, random.chance(0.5) ? kBoth : dates});
    add_large_building(random, scene, *place, dates);
  }
  if (random.chance(0.5)) {
    if (const auto place = place_for(random, scene, 22, 45, true))
      add_parking(random, scene, *place, random.chance(0.6) ? dates : kBoth);
  }
  if (random.chance(0.4)) {
    if (const auto place = place_for(random, scene, 22, 50, true))
      add_large_building(random, scene, *place, kBoth);
  }
  fill_with_houses(random, scene, 0.5);
}

void patch_changes(Random& random, Scene& scene) {
  lay_setting(random, scene);
  constexpr std::array kKinds{PatchKind::kParking,    PatchKind::kPond,  PatchKind::kPool,
                              PatchKind::kPlayground, PatchKind::kCourt, PatchKind::kField};
  constexpr std::array<std::array<double, 2>, 6> kSides{
      {{24, 50}, {22, 50}, {12, 18}, {16, 28}, {18, 36}, {45, 75}}};
  const auto kind = static_cast<size_t>(random.weighted({0.35, 0.2, 0.15, 0.1, 0.1, 0.1}));
  const Dates dates = random.chance(0.85) ? kOnlyAfter : kOnlyBefore;
  const bool by_road = random.chance(0.5);
  for (int i = random.chance(0.25) ? 2 : 1; i > 0; --i) {
    const auto place = place_for(random, scene, kSides[kind][0], kSides[kind][1], by_road);
    if (!place) continue;
    if (kKinds[kind] == PatchKind::kParking) {
      add_parking(random, scene, *place, dates);
    } else {
      add_patch(random, scene, kKinds[kind], *place, dates);
    }
  }
  if (random.chance(0.35)) {
    if (const auto other = place_for(random, scene, 22, 50, true))
      add_large_building(random, scene, *other, kBoth);
  }
  fill_with_houses(random, scene, random.uniform(0.3, 1));
}

void road_changes(Random& random, Scene& scene) {
  lay_ground(random, scene, any_ground(random));
  scene.roads = street_plan(random, scene, kBoth);
  const int kind = random.weighted({0.62, 0.22, 0.16});
  auto& road = scene.roads.back();
  if (kind != 1) {
    road.dates = kind == 0 ? kOnlyAfter : kOnlyBefore;
  } else {
    road.width[1] = road.width[0] + random.uniform(6, 11) * scene.metre;
    road.marked = true;
  }
  // Houses may only be along roads that exist at both dates.
  auto changed = scene.roads;
  if (kind != 1) std::erase_if(scene.roads, [](const Road& each) { return each.dates != kBoth; });
  const auto style = suburb_style(random, scene);
  std::vector<Lot> lots;
  if (random.chance(0.55)) lots = lots_along(random, scene, style);
  scene.roads = std::move(changed);
  std::erase_if(lots, [&](const Lot& lot) {
    return distance(scene.roads.back().line, lot.house) < scene.roads.back().widest() / 2 + 3 * scene.metre ||
           random.chance(0.3);
  });
  add_houses(random, scene, style, lots, kBoth);
}

void trees_change(Random& random, Scene& scene) {
  lay_setting(random, scene);
  const double size = scene.size;
  const Point at{size * random.uniform(0.15, 0.85), size * random.uniform(0.15, 0.85)};
  const auto outline = blob(random, at, size * random.uniform(0.14, 0.32), 0.3, random.uniform(1, 1.6));
  const bool cut = random.chance(0.65);
  add_wood(random, scene, outline, random.uniform(0.9, 1.4), cut ? kOnlyBefore : kOnlyAfter);
  fill_with_houses(random, scene, random.uniform(0.2, 0.9));
}

}  // namespace ccexpert::synth

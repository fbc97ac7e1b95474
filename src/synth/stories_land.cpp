// Large buildings, flat objects, roads and trees that come or go.
#include <algorithm>
#include <numbers>

#include "synth/story_parts.h"

namespace ccexpert::synth {
namespace {

/// Adds the track that was there before a road.
void add_track_below(Random& random, Scene& scene, const Road& road) {
  const double half = std::min(road.half(1), random.uniform(1.2, 3) * scene.metre);
  scene.zones.push_back({band(road.line, half), Ground::kBare, kOnlyBefore});
}

/// Returns the outline of a wood that comes or goes: round, a strip, or half of the scene.
Polygon part_of_wood(Random& random, const Scene& scene) {
  const double size = scene.size;
  const Point at{size * random.uniform(0.15, 0.85), size * random.uniform(0.15, 0.85)};
  const int shape = random.weighted({0.55, 0.3, 0.15});
  if (shape == 0) return blob(random, at, size * random.uniform(0.12, 0.32), 0.3, random.uniform(1, 1.6));
  const double width = size * (shape == 1 ? random.uniform(0.08, 0.2) : random.uniform(0.5, 0.8));
  const Point along = direction(random.uniform(0, std::numbers::pi));
  const Point aside = shape == 1 ? Point{0, 0} : turned(along) * (width / 2);
  return Box{at + aside, along, size * (shape == 1 ? random.uniform(0.4, 1.6) : 3.0), width}.outline();
}

}  // namespace

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
  if (random.chance(0.75)) {
    if (const auto place = place_for(random, scene, 22, 45, true))
      add_parking(random, scene, *place, random.chance(0.75) ? dates : kBoth);
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
  const double built = kKinds[kind] == PatchKind::kPond ? 0.6 : 0.88;
  const Dates dates = random.chance(built) ? kOnlyAfter : kOnlyBefore;
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
  // A new road, a wider one, one that is gone, or a track that becomes a road.
  const int kind = random.weighted({0.5, 0.16, 0.1, 0.24});
  auto& road = scene.roads.back();
  if (kind != 1) {
    road.dates = kind == 2 ? kOnlyBefore : kOnlyAfter;
    if (kind == 3) add_track_below(random, scene, road);
  } else {
    road.width[1] = road.width[0] + random.uniform(6, 11) * scene.metre;
    road.marked = true;
  }
  const auto style = suburb_style(random, scene);
  std::vector<Lot> lots;
  if (random.chance(0.55)) lots = lots_along(random, scene, style);
  // Houses may only be along roads that exist at both dates.
  std::erase_if(lots, [&](const Lot& lot) {
    return scene.roads[static_cast<size_t>(lot.road)].dates != kBoth || random.chance(0.3);
  });
  add_houses(random, scene, style, lots, kBoth);
}

void trees_change(Random& random, Scene& scene) {
  lay_setting(random, scene);
  const auto outline = part_of_wood(random, scene);
  const bool cut = random.chance(0.75);
  add_wood(random, scene, outline, random.uniform(0.9, 1.4), cut ? kOnlyBefore : kOnlyAfter);
  if (cut && random.chance(0.6))
    scene.zones.push_back({outline, random.chance(0.6) ? Ground::kWorks : Ground::kBare, kOnlyAfter});
  fill_with_houses(random, scene, random.uniform(0.2, 0.9));
}

}  // namespace ccexpert::synth

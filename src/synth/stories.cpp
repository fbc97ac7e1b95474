#include "synth/stories.h"

#include <algorithm>

#include "synth/facts.h"
#include "synth/layout.h"

namespace ccexpert::synth {
namespace {

Ground any_ground(Random& random) {
  constexpr std::array kGrounds{Ground::kBare,      Ground::kDesert, Ground::kMeadow, Ground::kDryMeadow,
                                Ground::kWoodFloor, Ground::kLawn,   Ground::kField,  Ground::kWorks};
  return kGrounds[static_cast<size_t>(random.weighted({0.16, 0.09, 0.19, 0.25, 0.17, 0.06, 0.03, 0.05}))];
}

bool is_grass(Ground ground) {
  return ground == Ground::kMeadow || ground == Ground::kLawn;
}

bool seen(const Scene& scene, const Lot& lot) {
  return visible_share(lot.house, scene.size) > 0.45;
}

/// Adds ground that was cleared and levelled for the lots before construction.
void level_lots(Scene& scene, const std::vector<Lot>& lots, Dates dates) {
  for (const auto& lot : lots)
    scene.zones.push_back({lot.ground.grown(-0.5).outline(), Ground::kWorks, dates});
}

void add_houses(Random& random, Scene& scene, const SuburbStyle& style, const std::vector<Lot>& lots,
                Dates dates) {
  const bool on_grass = is_grass(scene.ground) && random.chance(0.5);
  for (const auto& lot : lots) add_house(random, scene, style, lot, dates, on_grass);
}

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

std::optional<Box> place_for(Random& random, const Scene& scene, double low, double high, bool by_road) {
  const double width = random.uniform(low, high) * scene.metre;
  return free_place(random, scene, width, width * random.uniform(0.5, 0.9), by_road);
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

void houses_built(Random& random, Scene& scene) {
  houses_change(random, scene, kOnlyAfter);
}

void houses_removed(Random& random, Scene& scene) {
  houses_change(random, scene, kOnlyBefore);
}

/// Composes new streets and houses on empty land.
void neighbourhood_built(Random& random, Scene& scene) {
  lay_ground(random, scene, any_ground(random));
  if (random.chance(0.4)) {
    const auto old =
        road_line(random, scene, RoadShape::kStraight,
                  {scene.size * 0.5, scene.size * random.uniform(0.05, 0.2)}, 0.1 * random.bell());
    scene.roads.push_back(street(random, scene, old, kBoth));
  }
  for (auto& road : street_plan(random, scene, kOnlyAfter)) scene.roads.push_back(std::move(road));
  add_bystanders(random, scene);
  const auto style = suburb_style(random, scene);
  auto lots = lots_along(random, scene, style);
  const double filled = random.uniform(0.5, 1.1);
  std::erase_if(lots, [&](const Lot& lot) { return !seen(scene, lot) || !random.chance(filled); });
  if (random.chance(0.2))
    level_lots(scene, lots, kOnlyAfter);
  else if (random.chance(0.6))
    spare_trees(random, scene, random.uniform(0.1, 0.7));
  add_houses(random, scene, style, lots, kOnlyAfter);
}

/// Turns a street into a highway: two carriageways with grass between them.
void divide(Random& random, double metre, Road& road) {
  road.width.fill(random.uniform(17, 26) * metre);
  road.median = random.uniform(1.5, 6) * metre;
  road.sidewalk = false;
  road.marked = random.chance(0.5);
}

/// Composes a place with existing objects: a suburb, a country road, large buildings.
void lay_setting(Random& random, Scene& scene) {
  lay_ground(random, scene, any_ground(random));
  if (random.chance(0.75)) scene.roads = street_plan(random, scene, kBoth);
  if (scene.roads.size() == 1 && scene.roads[0].bulb == 0 && random.chance(0.2))
    divide(random, scene.metre, scene.roads[0]);
}

/// Fills the remaining lots with houses that exist at both dates.
void fill_with_houses(Random& random, Scene& scene, double filled) {
  if (scene.roads.empty() || random.chance(0.3)) return;
  const auto style = suburb_style(random, scene);
  auto lots = lots_along(random, scene, style);
  std::erase_if(lots, [&](const Lot&) { return !random.chance(filled); });
  add_houses(random, scene, style, lots, kBoth);
}

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

/// Replaces houses by a large building or a parking lot.
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

/// Adds moving cars: each exists only at one date.
void add_traffic(Random& random, Scene& scene) {
  for (const auto& road : scene.roads) {
    for (int i = random.weighted({0.4, 0.25, 0.2, 0.15}); i > 0; --i) {
      const Station here = station(road.line, line_length(road.line) * random.uniform());
      const double aside = 0.25 * road.width[0] * (random.chance(0.5) ? 1 : -1);
      const bool first = random.chance(0.5);
      const Box box{here.at + turned(here.along) * aside, here.along, 4.6 * scene.metre, 1.9 * scene.metre};
      scene.cars.push_back({box,
                            static_cast<uint32_t>(random.below(1000)),
                            {first && road.dates[0], !first && road.dates[1]}});
    }
  }
}

/// Adds sheds, boats, heaps, machines and shrubs of a few metres, some only at one date. They do not count as
/// a change.
void add_clutter(Random& random, Scene& scene) {
  constexpr std::array kWhen{kBoth, kBoth, kOnlyBefore, kOnlyAfter};
  for (int i = random.chance(0.5) ? random.between(0, 6) : random.between(6, 40); i > 0; --i) {
    const Point at{scene.size * random.uniform(), scene.size * random.uniform()};
    const Box box{at, direction(random.uniform(0, 6.28)), random.uniform(1, 4.5) * scene.metre,
                  random.uniform(0.8, 2.5) * scene.metre};
    scene.cars.push_back({box, static_cast<uint32_t>(random.below(1000)), random.pick(kWhen)});
  }
  for (int i = random.chance(0.5) ? 0 : random.between(1, 30); i > 0; --i) {
    const Point at{scene.size * random.uniform(), scene.size * random.uniform()};
    const auto look = static_cast<uint32_t>(random.below(100000));
    scene.shrubs.push_back({at, random.uniform(0.6, 1.8) * scene.metre, look, random.pick(kWhen)});
  }
}

Scene compose_once(Random& random, int size) {
  using Story = void (*)(Random&, Scene&);
  constexpr std::array<Story, 8> kStories{houses_built,           neighbourhood_built, houses_removed,
                                          large_building_changes, patch_changes,       road_changes,
                                          trees_change,           houses_replaced};
  Scene scene;
  scene.size = size;
  // Scales around 0.5 m per pixel, as with different cameras and latitudes.
  scene.metre = 2 * random.uniform(0.62, 1.2) * (size < 200 ? 0.7 : 1);
  scene.texture = random.next();
  const auto story = static_cast<size_t>(random.weighted({0.34, 0.2, 0.06, 0.11, 0.12, 0.09, 0.05, 0.03}));
  kStories[story](random, scene);
  if (random.chance(0.08)) add_village(random, scene);
  for (int i = random.weighted({0.8, 0.12, 0.08}); i > 0; --i) add_homestead(random, scene);
  add_covers(random, scene);
  add_traffic(random, scene);
  add_clutter(random, scene);
  clear_trees(scene);
  return scene;
}

}  // namespace

Scene compose_changed(Random& random, int size) {
  for (;;) {
    Scene scene = compose_once(random, size);
    if (worth_telling(facts_of(scene))) return scene;
  }
}

}  // namespace ccexpert::synth

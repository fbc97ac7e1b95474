#include "synth/story_parts.h"

namespace ccexpert::synth {
namespace {

bool is_grass(Ground ground) {
  return ground == Ground::kMeadow || ground == Ground::kLawn;
}

/// Turns a street into a highway: two carriageways with grass between them.
void divide(Random& random, double metre, Road& road) {
  road.width.fill(random.uniform(17, 26) * metre);
  road.median = random.uniform(1.5, 6) * metre;
  road.sidewalk = false;
  road.marked = random.chance(0.5);
}

}  // namespace

Ground any_ground(Random& random) {
  constexpr std::array kGrounds{Ground::kBare,      Ground::kDesert, Ground::kMeadow, Ground::kDryMeadow,
                                Ground::kWoodFloor, Ground::kLawn,   Ground::kField,  Ground::kWorks};
  return kGrounds[static_cast<size_t>(random.weighted({0.16, 0.09, 0.19, 0.25, 0.17, 0.06, 0.03, 0.05}))];
}

Ground open_ground(Random& random) {
  constexpr std::array kGrounds{Ground::kWoodFloor, Ground::kBare,  Ground::kDesert,
                                Ground::kDryMeadow, Ground::kWorks, Ground::kMeadow};
  return kGrounds[static_cast<size_t>(random.weighted({0.58, 0.16, 0.09, 0.09, 0.04, 0.04}))];
}

bool seen(const Scene& scene, const Lot& lot) {
  return visible_share(lot.house, scene.size) > 0.45;
}

void level_lots(Scene& scene, const std::vector<Lot>& lots, Dates dates) {
  for (const auto& lot : lots)
    scene.zones.push_back({lot.ground.grown(-0.5).outline(), Ground::kWorks, dates});
}

void add_houses(Random& random, Scene& scene, const SuburbStyle& style, const std::vector<Lot>& lots,
                Dates dates) {
  const bool on_grass = is_grass(scene.ground) && random.chance(0.5);
  for (const auto& lot : lots) add_house(random, scene, style, lot, dates, on_grass);
}

std::optional<Box> place_for(Random& random, const Scene& scene, double low, double high, bool by_road) {
  const double width = random.uniform(low, high) * scene.metre;
  return free_place(random, scene, width, width * random.uniform(0.5, 0.9), by_road);
}

void lay_setting(Random& random, Scene& scene) {
  lay_ground(random, scene, any_ground(random));
  if (random.chance(0.75)) scene.roads = street_plan(random, scene, kBoth);
  if (scene.roads.size() == 1 && scene.roads[0].bulb == 0 && random.chance(0.2))
    divide(random, scene.metre, scene.roads[0]);
}

void fill_with_houses(Random& random, Scene& scene, double filled) {
  if (scene.roads.empty() || random.chance(0.3)) return;
  const auto style = suburb_style(random, scene);
  auto lots = lots_along(random, scene, style);
  std::erase_if(lots, [&](const Lot&) { return !random.chance(filled); });
  add_houses(random, scene, style, lots, kBoth);
}

}  // namespace ccexpert::synth

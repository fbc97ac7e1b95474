#include "synth/stories.h"

#include "synth/facts.h"
#include "synth/ground_parts.h"
#include "synth/story_parts.h"

namespace ccexpert::synth {
namespace {

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
  const int most = scene.world == World::kTexas ? 12 : 40;
  for (int i = random.chance(0.5) ? random.between(0, 6) : random.between(6, most); i > 0; --i) {
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

Scene place_of(Random& random, World world, int size) {
  Scene scene;
  scene.world = world;
  scene.size = size;
  // Scales around 0.5 m per pixel, as with different cameras and latitudes.
  const double scale = world == World::kTexas ? random.uniform(0.85, 1.12) : random.uniform(0.62, 1.2);
  scene.metre = 2 * scale * (size < 200 ? 0.7 : 1);
  scene.texture = random.next();
  return scene;
}

/// Adds what passes or does not matter: weeds and tracks, cars, small things.
void finish(Random& random, Scene& scene) {
  add_covers(random, scene);
  add_traffic(random, scene);
  add_clutter(random, scene);
  clear_trees(scene);
}

Scene compose_once(Random& random, World world, int size) {
  using Story = void (*)(Random&, Scene&);
  constexpr std::array<Story, 13> kStories{
      houses_rebuilt,  houses_built,       neighbourhood_built, estate_grows,    houses_removed,
      houses_replaced, lone_house_changes, sheds_change,        trailers_change, large_building_changes,
      patch_changes,   road_changes,       trees_change};
  Scene scene = place_of(random, world, size);
  const auto story = static_cast<size_t>(
      random.weighted({0.02, 0.19, 0.3, 0.15, 0.02, 0.012, 0.18, 0.03, 0.012, 0.075, 0.03, 0.045, 0.02}));
  kStories[story](random, scene);
  if (random.chance(world == World::kTexas ? 0.02 : 0.08)) add_village(random, scene);
  for (int i = random.weighted({0.8, 0.12, 0.08}); i > 0; --i) add_homestead(random, scene);
  finish(random, scene);
  return scene;
}

/// Lays a suburb that stays half-finished: streets, levelled lots, few houses.
void begin_suburb(Random& random, Scene& scene) {
  const auto style = suburb_style(random, scene);
  auto lots = lots_along(random, scene, style);
  if (random.chance(0.5)) level_lots(scene, lots, kBoth);
  const double filled = random.uniform(0, 0.35);
  std::erase_if(lots, [&](const Lot&) { return !random.chance(filled); });
  add_houses(random, scene, style, lots, kBoth);
}

}  // namespace

World any_world(Random& random) {
  constexpr double kTexasShare = 0.6;
  return random.chance(kTexasShare) ? World::kTexas : World::kVaried;
}

Scene compose_changed(Random& random, World world, int size) {
  for (;;) {
    Scene scene = compose_once(random, world, size);
    if (worth_telling(facts_of(scene))) return scene;
  }
}

Scene compose_country(Random& random, int size) {
  Scene scene = place_of(random, World::kTexas, size);
  lay_ground(random, scene, any_ground(random));
  const int kind = random.weighted({0.62, 0.22, 0.16});
  if (kind > 0) scene.roads = street_plan(random, scene, kBoth);
  if (kind == 1) scene.roads.resize(1);
  if (kind == 2) begin_suburb(random, scene);
  if (random.chance(0.05)) {
    const double side = random.uniform(0.3, 1.2) * size;
    add_patch(random, scene, PatchKind::kPond, {anywhere(random, scene), {1, 0}, side, side}, kBoth);
  }
  if (random.chance(0.12)) add_homestead(random, scene);
  finish(random, scene);
  return scene;
}

}  // namespace ccexpert::synth

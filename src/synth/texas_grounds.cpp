// Country about Austin: oak and juniper scrub, pastures, ploughed prairie, levelled earth.
#include <algorithm>
#include <numbers>

#include "synth/ground_parts.h"
#include "synth/noise.h"

namespace ccexpert::synth {
namespace {

double any_direction(Random& random) {
  return random.uniform(0, 2 * std::numbers::pi);
}

Point inside(Random& random, const Scene& scene) {
  return {scene.size * random.uniform(0.1, 0.9), scene.size * random.uniform(0.1, 0.9)};
}

/// Adds trees at high values of a texture with spots of all sizes: thickets, glades and lone crowns. They
/// cover about `cover` of the ground inside `outline`.
void add_scrub(Random& random, Scene& scene, const Polygon& outline, double cover) {
  const auto from = static_cast<size_t>(random.below(Tile::kSide));
  const double stretch = random.uniform(0.6, 2.2);
  const double threshold = 48 * (0.5 - cover);
  const double ragged = random.uniform(2, 12);
  const double step = random.uniform(3.6, 4.8) * scene.crowns * scene.metre;
  const auto rows = marks(-step, scene.size + step, step);
  for (const double y : rows) {
    for (const double x : rows) {
      const int value = noise().rough.at(static_cast<size_t>((x + 2 * step) * stretch) + from,
                                         static_cast<size_t>((y + 2 * step) * stretch) + 3 * from);
      const Point at{x + 0.4 * step * random.bell(), y + 0.4 * step * random.bell()};
      const double radius = tree_radius(random, scene) * 0.9;
      const auto look = static_cast<uint32_t>(random.below(100000));
      if (value > threshold + ragged * random.bell() && contains(outline, at))
        scene.trees.push_back({at, radius, look, kBoth});
    }
  }
}

/// Adds a creek: pale rock or dark grass between trees.
void add_creek(Random& random, Scene& scene) {
  const auto line = road_line(random, scene, RoadShape::kWave, inside(random, scene), any_direction(random));
  if (random.chance(0.6)) {
    const auto bed = random.chance(0.6) ? Ground::kWorks : Ground::kMeadow;
    scene.zones.push_back({band(line, random.uniform(1, 5) * scene.metre), bed, kBoth});
  }
  for (const double at : marks(0, line_length(line), 2.4 * scene.metre)) {
    const Station here = station(line, at);
    const Point off = turned(here.along) * (6 * scene.metre * random.bell());
    scene.trees.push_back(
        {here.at + off, tree_radius(random, scene), static_cast<uint32_t>(random.below(100000)), kBoth});
  }
}

/// Adds an unpaved way of caliche: nearly white, 2 to 7 m wide.
void add_caliche_way(Random& random, Scene& scene) {
  const auto shape = random.chance(0.4) ? RoadShape::kStraight : RoadShape::kWave;
  const auto line = road_line(random, scene, shape, inside(random, scene), any_direction(random));
  scene.zones.push_back({band(line, random.uniform(1, 3.5) * scene.metre), Ground::kWorks, kBoth});
}

/// Adds the fence of a pasture, often with shrubs along it.
void add_pasture_fence(Random& random, Scene& scene) {
  constexpr std::array kWhen{kBoth, kBoth, kOnlyBefore, kOnlyAfter};
  const auto shape = random.chance(0.75) ? RoadShape::kStraight : RoadShape::kArc;
  const auto line = road_line(random, scene, shape, inside(random, scene), any_direction(random));
  scene.fences.push_back({line, random.pick(kWhen), true});
  if (!random.chance(0.4)) return;
  for (const double at : marks(0, line_length(line), 5 * scene.metre)) {
    if (random.chance(0.5))
      scene.trees.push_back({station(line, at).at, 0.8 * tree_radius(random, scene),
                             static_cast<uint32_t>(random.below(100000)), kBoth});
  }
}

/// Adds earth that was levelled in steps, with banks between them.
void add_graded_earth(Random& random, Scene& scene) {
  for (int i = random.between(2, 5); i > 0; --i) {
    const Box step{inside(random, scene), direction(any_direction(random)),
                   random.uniform(20, 70) * scene.metre, random.uniform(12, 30) * scene.metre};
    scene.zones.push_back({step.outline(), random.chance(0.7) ? Ground::kWorks : Ground::kBare, kBoth});
  }
  for (int i = random.between(1, 3); i > 0; --i)
    scene.zones.push_back({track(random, scene), Ground::kBare, kBoth});
}

/// Adds fields beside each other; the ground between them is grass.
void add_fields(Random& random, Scene& scene) {
  const Point along = direction(any_direction(random));
  const double at = scene.size * random.uniform(0.2, 0.8);
  const Point corner = Point{scene.size / 2.0, scene.size / 2.0} + turned(along) * (at - scene.size / 2.0);
  for (const double side : {-1.0, 1.0}) {
    const double reach = 1.5 * scene.size;
    const Box field{corner + turned(along) * (side * (reach / 2 + random.uniform(1, 6) * scene.metre)), along,
                    3.0 * scene.size, reach};
    constexpr std::array kCrops{Ground::kField, Ground::kField, Ground::kMeadow, Ground::kDryMeadow,
                                Ground::kBare};
    scene.zones.push_back({field.outline(), random.pick(kCrops), kBoth});
  }
  if (!random.chance(0.5)) return;
  const double edge = random.uniform(2.5, 5) * scene.metre;
  for (const double along_edge : marks(-1.5 * scene.size, 1.5 * scene.size, edge)) {
    if (random.chance(0.6))
      scene.trees.push_back(
          {corner + along * along_edge + turned(along) * (1.5 * scene.metre * random.bell()),
           tree_radius(random, scene), static_cast<uint32_t>(random.below(100000)), kBoth});
  }
}

/// Adds the plants of a ground: scrub, groups of trees or lone ones.
void add_plants(Random& random, Scene& scene, Ground ground) {
  const Polygon frame = frame_of(scene);
  switch (ground) {
    case Ground::kWoodFloor:
      add_scrub(random, scene, random.chance(0.7) ? frame : other_part(random, scene),
                random.uniform(0.55, 1.3));
      break;
    case Ground::kDesert:
    case Ground::kDryMeadow:
      if (random.chance(0.7)) {
        add_scrub(random, scene, random.chance(0.8) ? frame : other_part(random, scene),
                  random.uniform(-0.4, 0.8));
      } else {
        scatter_trees(random, scene, random.between(0, 60));
      }
      break;
    case Ground::kMeadow:
      if (random.chance(0.3)) add_scrub(random, scene, other_part(random, scene), random.uniform(0, 0.9));
      scatter_trees(random, scene, random.chance(0.5) ? random.between(0, 8) : random.between(8, 60));
      break;
    case Ground::kLawn:
      scatter_trees(random, scene, random.between(4, 40));
      break;
    default:
      scatter_trees(random, scene, random.chance(0.6) ? 0 : random.between(1, 14));
      break;
  }
}

/// Returns the ground that takes the place of one here: more scrub and ploughed land, few lawns.
Ground texan(Random& random, Ground ground) {
  const int kind = random.weighted({0.35, 0.3, 0.35});
  switch (ground) {
    case Ground::kBare:
      return kind == 0 ? Ground::kField : kind == 1 ? Ground::kDryMeadow : Ground::kBare;
    case Ground::kMeadow:
      return kind == 0 ? Ground::kDryMeadow : Ground::kMeadow;
    case Ground::kLawn:
      return kind == 2 ? Ground::kLawn : Ground::kWoodFloor;
    default:
      return ground;
  }
}

Ground neighbour_of(Random& random) {
  constexpr std::array kGrounds{Ground::kDryMeadow, Ground::kMeadow, Ground::kBare, Ground::kWorks,
                                Ground::kField};
  return kGrounds[static_cast<size_t>(random.weighted({0.35, 0.25, 0.2, 0.08, 0.12}))];
}

}  // namespace

void lay_texas_ground(Random& random, Scene& scene, Ground ground) {
  scene.crowns = random.uniform(0.6, 1.2);
  ground = texan(random, ground);
  // Between the crowns of a wood is litter or dry grass.
  const bool dry = ground == Ground::kWoodFloor && random.chance(0.6);
  scene.ground = dry ? Ground::kDryMeadow : ground;
  if (scene.ground == Ground::kField && random.chance(0.7)) add_fields(random, scene);
  if (scene.ground == Ground::kWorks) add_graded_earth(random, scene);
  for (int i = random.weighted({0.55, 0.3, 0.15}); i > 0; --i)
    scene.zones.push_back({other_part(random, scene), neighbour_of(random), kBoth});
  const bool open = scene.ground != Ground::kWorks && scene.ground != Ground::kLawn;
  if (open && random.chance(0.12)) scene.terraces = random.uniform(0.5, 1.3);
  if (open && random.chance(0.15)) add_creek(random, scene);
  if (open && random.chance(0.18)) add_caliche_way(random, scene);
  if (open && random.chance(0.3)) scene.zones.push_back({track(random, scene), Ground::kBare, kBoth});
  if (open && random.chance(0.3)) add_pasture_fence(random, scene);
  add_plants(random, scene, ground);
}

void add_texas_covers(Random& random, Scene& scene) {
  if (!random.chance(0.7)) return;
  constexpr std::array kCovers{Ground::kMeadow, Ground::kDryMeadow, Ground::kDryMeadow, Ground::kField,
                               Ground::kBare};
  for (const Dates dates : {kOnlyBefore, kOnlyAfter}) {
    if (random.chance(0.1)) scene.covers.push_back({frame_of(scene), random.pick(kCovers), dates});
    for (int i = random.weighted({0.6, 0.27, 0.13}); i > 0; --i)
      scene.covers.push_back({other_part(random, scene), random.pick(kCovers), dates});
    for (int i = random.weighted({0.7, 0.2, 0.1}); i > 0; --i)
      scene.covers.push_back(
          {track(random, scene), random.chance(0.6) ? Ground::kBare : Ground::kWorks, dates});
  }
}

}  // namespace ccexpert::synth

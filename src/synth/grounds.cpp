// Ground, woods and large objects away from streets.
#include <algorithm>
#include <numbers>

#include "synth/ground_parts.h"
#include "synth/noise.h"

namespace ccexpert::synth {
namespace {

int trees_on(Random& random, Ground ground) {
  switch (ground) {
    case Ground::kMeadow:
      return random.chance(0.5) ? random.between(0, 12) : random.between(20, 90);
    case Ground::kDryMeadow:
      return random.chance(0.3) ? random.between(0, 10) : random.between(25, 130);
    case Ground::kDesert:
      return random.chance(0.6) ? 0 : random.between(3, 30);
    case Ground::kBare:
      return random.chance(0.5) ? random.between(0, 6) : random.between(5, 25);
    case Ground::kLawn:
      return random.between(5, 50);
    default:
      return random.between(0, 4);
  }
}

Ground neighbour_of(Random& random, Ground ground) {
  const bool dry = ground == Ground::kDesert || ground == Ground::kBare;
  if (dry) return random.chance(0.5) ? Ground::kDryMeadow : Ground::kBare;
  return random.chance(0.4) ? Ground::kBare : (random.chance(0.5) ? Ground::kMeadow : Ground::kDryMeadow);
}

/// Adds trees in thickets with glades between them, as on grazed land: a tree grows at high values of a
/// coarse texture.
void add_savanna(Random& random, Scene& scene) {
  const Tile& coarse = random.chance(0.5) ? noise().middle : noise().large;
  const auto from = static_cast<size_t>(random.below(Tile::kSide));
  const auto stretch = random.uniform(0.5, 1.6);
  const double threshold = random.uniform(-30, 35);
  const double step = random.uniform(3.4, 5) * scene.metre;
  const auto rows = marks(-step, scene.size + step, step);
  for (const double y : rows) {
    for (const double x : rows) {
      const int value = coarse.at(static_cast<size_t>((x + 2 * step) * stretch) + from,
                                  static_cast<size_t>((y + 2 * step) * stretch) + 3 * from);
      const Point at{x + 0.4 * step * random.bell(), y + 0.4 * step * random.bell()};
      const double radius = tree_radius(random, scene) * 0.85;
      const auto look = static_cast<uint32_t>(random.below(100000));
      if (value > threshold + 8 * random.bell()) scene.trees.push_back({at, radius, look, kBoth});
    }
  }
}

/// Adds adjacent strips of fields, each with its own crop.
void add_parcels(Random& random, Scene& scene) {
  const Point along = direction(random.uniform(0, std::numbers::pi));
  const Point middle{scene.size / 2.0, scene.size / 2.0};
  const double reach = 1.5 * scene.size;
  double at = -reach / 2;
  while (at < reach / 2) {
    const double width = random.uniform(8, 40) * scene.metre;
    double from = -reach / 2;
    while (from < reach / 2) {
      const double length = random.uniform(40, 150) * scene.metre;
      const Box strip{middle + along * (from + length / 2) + turned(along) * (at + width / 2), along,
                      length - random.uniform(0.5, 2) * scene.metre,
                      width - random.uniform(0.5, 2) * scene.metre};
      constexpr std::array kCrops{Ground::kField, Ground::kField, Ground::kMeadow, Ground::kDryMeadow,
                                  Ground::kBare};
      if (random.chance(0.9)) scene.zones.push_back({strip.outline(), random.pick(kCrops), kBoth});
      from += length;
    }
    at += width;
  }
}

}  // namespace

Point anywhere(Random& random, const Scene& scene) {
  return {scene.size * random.uniform(-0.05, 1.05), scene.size * random.uniform(-0.05, 1.05)};
}

double tree_radius(Random& random, const Scene& scene) {
  return std::clamp(3.2 * std::exp(0.4 * random.bell()), 1.2, 8.0) * scene.crowns * scene.metre;
}

void scatter_trees(Random& random, Scene& scene, int count) {
  // Trees form groups: half of them are near one of a few points.
  std::vector<Point> groups;
  for (int i = 0; i < 6; ++i) groups.push_back(anywhere(random, scene));
  for (int i = 0; i < count; ++i) {
    Point at = anywhere(random, scene);
    if (random.chance(0.55)) {
      const double spread = 0.07 * scene.size;
      at = random.pick(groups) + Point{spread * random.bell(), spread * random.bell()};
    }
    scene.trees.push_back({at, tree_radius(random, scene) * random.uniform(0.5, 1.0),
                           static_cast<uint32_t>(random.below(100000)), kBoth});
  }
}

Polygon frame_of(const Scene& scene) {
  const double end = scene.size + 9;
  return {{-9, -9}, {end, -9}, {end, end}, {-9, end}};
}

Polygon other_part(Random& random, const Scene& scene) {
  const double size = scene.size;
  if (random.chance(0.5))
    return blob(random, anywhere(random, scene), size * random.uniform(0.12, 0.3), 0.35,
                random.uniform(1, 2));
  const Point along = direction(random.uniform(0, 2 * std::numbers::pi));
  const Point at = Point{size / 2, size / 2} + turned(along) * (size * random.uniform(0.1, 0.4));
  Polygon outline;
  for (int i = -12; i <= 12; ++i)
    outline.push_back(at + along * (i * size / 12) + turned(along) * (0.02 * size * random.bell()));
  outline.push_back(at + along * size * 1.5 + turned(along) * size * 2);
  outline.push_back(at - along * size * 1.5 + turned(along) * size * 2);
  return outline;
}

Polygon track(Random& random, const Scene& scene) {
  const Point at{scene.size * random.uniform(0.1, 0.9), scene.size * random.uniform(0.1, 0.9)};
  const auto shape = random.chance(0.6) ? RoadShape::kWave : RoadShape::kArc;
  const auto line = road_line(random, scene, shape, at, random.uniform(0, 6.28));
  return band(line, random.uniform(0.8, 2.2) * scene.metre);
}

Polygon blob(Random& random, Point centre, double radius, double rough, double stretch) {
  constexpr int kCorners = 40;
  const double turn = random.uniform(0, 2 * std::numbers::pi);
  const std::array<double, 4> phases{random.uniform(0, 6.28), random.uniform(0, 6.28),
                                     random.uniform(0, 6.28), random.uniform(0, 6.28)};
  Polygon outline;
  for (int i = 0; i < kCorners; ++i) {
    const double angle = 2 * std::numbers::pi * i / kCorners;
    double r = 1;
    for (size_t wave = 0; wave < 4; ++wave)
      r += rough * std::sin(static_cast<double>(wave + 2) * angle + phases[wave]) /
           static_cast<double>(wave + 2);
    const Point shape{r * radius * std::sqrt(stretch) * std::cos(angle),
                      r * radius / std::sqrt(stretch) * std::sin(angle)};
    outline.push_back(centre + direction(turn) * shape.x + turned(direction(turn)) * shape.y);
  }
  return outline;
}

void add_wood(Random& random, Scene& scene, const Polygon& outline, double gap, Dates dates) {
  scene.zones.push_back({outline, Ground::kWoodFloor, dates});
  const double step = 4.6 * scene.metre * gap;
  const auto rows = marks(-step, scene.size + step, step);
  for (const double y : rows) {
    for (const double x : rows) {
      const Point at{x + 0.45 * step * random.bell(), y + 0.45 * step * random.bell()};
      const double radius = tree_radius(random, scene);
      const auto look = static_cast<uint32_t>(random.below(100000));
      if (contains(outline, at)) scene.trees.push_back({at, radius, look, dates});
    }
  }
}

void lay_ground(Random& random, Scene& scene, Ground ground) {
  if (scene.world == World::kTexas) {
    lay_texas_ground(random, scene, ground);
    return;
  }
  scene.ground = ground;
  const Polygon frame = frame_of(scene);
  if (ground == Ground::kWoodFloor) {
    const double thinness = random.uniform(0.85, 1.6);
    scene.ground = random.chance(0.5) ? Ground::kDryMeadow : Ground::kMeadow;
    add_wood(random, scene, random.chance(0.55) ? frame : other_part(random, scene), thinness, kBoth);
    scatter_trees(random, scene, random.between(10, 60));
    return;
  }
  if (random.chance(ground == Ground::kField ? 0.8 : 0.04)) add_parcels(random, scene);
  for (int i = random.weighted({0.45, 0.35, 0.2}); i > 0; --i) {
    scene.zones.push_back({other_part(random, scene), neighbour_of(random, ground), kBoth});
  }
  if (random.chance(ground == Ground::kDesert ? 0.08 : 0.25)) {
    add_wood(random, scene, other_part(random, scene), random.uniform(0.9, 1.5), kBoth);
  }
  const bool grazed = ground == Ground::kMeadow || ground == Ground::kDryMeadow;
  if (random.chance(grazed ? 0.4 : 0.08)) {
    add_savanna(random, scene);
  } else {
    scatter_trees(random, scene, trees_on(random, ground));
  }
  if (ground != Ground::kLawn && random.chance(0.35))
    scene.zones.push_back({track(random, scene), Ground::kBare, kBoth});
}

void add_covers(Random& random, Scene& scene) {
  if (scene.world == World::kTexas) {
    add_texas_covers(random, scene);
    return;
  }
  if (!random.chance(0.6)) return;
  constexpr std::array kCovers{Ground::kMeadow, Ground::kDryMeadow, Ground::kDryMeadow, Ground::kField,
                               Ground::kBare};
  for (const Dates dates : {kOnlyBefore, kOnlyAfter}) {
    if (random.chance(0.15)) scene.covers.push_back({frame_of(scene), random.pick(kCovers), dates});
    for (int i = random.weighted({0.4, 0.35, 0.25}); i > 0; --i)
      scene.covers.push_back({other_part(random, scene), random.pick(kCovers), dates});
    if (random.chance(0.25)) scene.covers.push_back({track(random, scene), Ground::kBare, dates});
  }
}

void add_large_building(Random& random, Scene& scene, const Box& place, Dates dates) {
  Building building;
  building.large = true;
  building.extent = place;
  building.roof = random.chance(0.7) ? Roof::kFlat : Roof::kGable;
  building.look = static_cast<uint32_t>(random.below(100000));
  building.dates = dates;
  const double height = random.uniform(5, 9) * scene.metre;
  const bool angled = random.chance(0.3);
  const double share = angled ? random.uniform(0.5, 0.65) : 1;
  building.wings.push_back(
      {{place.at(0, (1 - share) / 2 * place.depth), place.axis, place.width, share * place.depth}, height});
  if (angled) {
    const double side = (random.chance(0.5) ? 1 : -1) * 0.25 * place.width;
    building.wings.push_back(
        {{place.at(side, -0.2 * place.depth), place.axis, place.width / 2, 0.6 * place.depth},
         height * random.uniform(0.8, 1.2)});
  }
  scene.buildings.push_back(std::move(building));
}

void add_homestead(Random& random, Scene& scene) {
  const double width = random.uniform(8, 24) * scene.metre;
  const auto place = free_place(random, scene, width, width * random.uniform(0.5, 0.9), false);
  if (!place) return;
  Building building;
  building.extent = *place;
  building.roof = random.chance(0.6) ? Roof::kGable : Roof::kHip;
  building.look = static_cast<uint32_t>(random.below(100000));
  building.wings.push_back({*place, random.uniform(2.5, 5) * scene.metre});
  scene.buildings.push_back(std::move(building));
}

void add_village(Random& random, Scene& scene) {
  const Polygon outline = other_part(random, scene);
  const Point along = direction(random.uniform(0, std::numbers::pi));
  const Point middle{scene.size / 2.0, scene.size / 2.0};
  const double cell = random.uniform(9, 16) * scene.metre;
  const double filled = random.uniform(0.5, 0.95);
  const auto places = marks(-0.75 * scene.size, 0.75 * scene.size, cell);
  for (const double x : places) {
    for (const double y : places) {
      const Point at = middle + along * (x + 0.12 * cell * random.bell()) +
                       turned(along) * (y + 0.12 * cell * random.bell());
      if (!random.chance(filled) || !contains(outline, at)) continue;
      Building building;
      building.extent = {at, along, cell * random.uniform(0.45, 0.95), cell * random.uniform(0.45, 0.95)};
      if (visible_share(building.extent, scene.size) == 0) continue;
      building.large = random.chance(0.35);
      building.roof = random.chance(0.5) ? Roof::kFlat : Roof::kGable;
      building.look = static_cast<uint32_t>(random.below(100000));
      building.wings.push_back({building.extent, random.uniform(2.5, 6) * scene.metre});
      if (is_free(scene, building.extent, 0.5)) scene.buildings.push_back(std::move(building));
    }
  }
}

void add_parking(Random& random, Scene& scene, const Box& place, Dates dates) {
  add_patch(random, scene, PatchKind::kParking, place, dates);
  const double m = scene.metre;
  const double bay = 2.8 * m;
  const double busy = random.uniform(0.15, 0.8);
  for (const double across : marks(-place.depth / 2 + 3.2 * m, place.depth / 2 - 2.5 * m, 8.8 * m)) {
    for (const double along : marks(-place.width / 2 + bay, place.width / 2 - bay / 2, bay)) {
      const Dates parked{dates[0] && random.chance(busy), dates[1] && random.chance(busy)};
      const Box box{place.at(along + bay / 2, across), turned(place.axis), 4.5 * m, 1.9 * m};
      if (parked != Dates{}) scene.cars.push_back({box, static_cast<uint32_t>(random.below(1000)), parked});
    }
  }
}

void add_patch(Random& random, Scene& scene, PatchKind kind, const Box& place, Dates dates) {
  Patch patch{kind, place.outline(), place, static_cast<uint32_t>(random.below(1000)), dates};
  if (kind == PatchKind::kPond) {
    const double radius = std::sqrt(place.width * place.depth) / 2.2;
    patch.outline = blob(random, place.centre, radius, 0.25, random.uniform(1, 1.7));
  }
  if (kind == PatchKind::kPool && random.chance(0.4)) {
    patch.outline = blob(random, place.centre, std::sqrt(place.width * place.depth) / 1.9, 0.3, 1.6);
  }
  scene.patches.push_back(std::move(patch));
}

std::optional<Box> free_place(Random& random, const Scene& scene, double width, double depth, bool by_road) {
  for (int attempt = 0; attempt < 60; ++attempt) {
    const double shrink = attempt < 30 ? 1 : 0.75;
    Box box{{scene.size * random.uniform(0.12, 0.88), scene.size * random.uniform(0.12, 0.88)},
            {1, 0},
            width * shrink,
            depth * shrink};
    if (!scene.roads.empty()) {
      const auto& road = random.pick(scene.roads);
      const Station near = station(road.line, line_length(road.line) * random.uniform(0.2, 0.8));
      const double away =
          road.widest() / 2 + box.depth / 2 + scene.metre * random.uniform(4, by_road ? 9 : 60);
      const double side = random.chance(0.5) ? 1 : -1;
      box.axis = near.along * side;
      if (by_road || attempt % 2 == 0) box.centre = near.at + turned(near.along) * (side * away);
    } else {
      box.axis = direction(random.uniform(0, std::numbers::pi));
    }
    const bool inside = visible_share(box, scene.size) > 0.75;
    if (inside && is_free(scene, box, 2 * scene.metre)) return box;
  }
  return std::nullopt;
}

}  // namespace ccexpert::synth

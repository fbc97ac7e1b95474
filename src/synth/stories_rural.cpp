// Lone houses, sheds and trailers on open land or among trees.
#include <algorithm>
#include <numbers>

#include "synth/story_parts.h"

namespace ccexpert::synth {
namespace {

Ground rural_ground(Random& random) {
  constexpr std::array kGrounds{Ground::kWoodFloor, Ground::kDryMeadow, Ground::kDesert, Ground::kMeadow,
                                Ground::kBare};
  return kGrounds[static_cast<size_t>(random.weighted({0.4, 0.28, 0.1, 0.12, 0.1}))];
}

/// Lays open land or woods, mostly with a country road.
void lay_country(Random& random, Scene& scene) {
  lay_ground(random, scene, rural_ground(random));
  if (random.chance(0.3)) return;
  scene.roads = street_plan(random, scene, kBoth);
  scene.roads.resize(1);
  for (auto& road : scene.roads) {
    road.sidewalk = false;
    road.width.fill(random.uniform(4.5, 9) * scene.metre);
  }
}

/// Returns the end of a track from `from`: the nearest road, or a point outside the frame.
Point end_of_track(Random& random, const Scene& scene, Point from) {
  if (scene.roads.empty() || random.chance(0.15))
    return from + direction(random.uniform(0, 2 * std::numbers::pi)) * (1.5 * scene.size);
  const auto& line = scene.roads.front().line;
  return *std::min_element(line.begin(), line.end(),
                           [&](Point a, Point b) { return length(a - from) < length(b - from); });
}

/// Adds the track that wheels made to a place.
void add_access(Random& random, Scene& scene, Point from, Dates dates) {
  constexpr int kSteps = 14;
  const Point to = end_of_track(random, scene, from);
  const double bow = random.uniform(-0.18, 0.18) * length(to - from);
  Polyline line;
  for (int i = 0; i <= kSteps; ++i) {
    const double share = static_cast<double>(i) / kSteps;
    line.push_back(from + (to - from) * share +
                   turned(unit(to - from)) * (bow * std::sin(std::numbers::pi * share)));
  }
  scene.zones.push_back({band(line, random.uniform(1.2, 2.4) * scene.metre), Ground::kBare, dates, true});
}

/// Adds cleared ground around a place.
void add_clearing(Random& random, Scene& scene, const Box& place, Dates dates) {
  constexpr std::array kGrounds{Ground::kBare, Ground::kWorks, Ground::kDryMeadow, Ground::kLawn};
  const double radius = (place.width + place.depth) / 4 * random.uniform(1.3, 2.6);
  scene.zones.push_back({blob(random, place.centre, radius, 0.3, random.uniform(1, 1.5)),
                         kGrounds[static_cast<size_t>(random.weighted({0.4, 0.2, 0.2, 0.2}))], dates});
}

enum class Lone { kHouse, kShed, kTrailer };

/// Returns the footprint of a lone building, in metres.
Box sides_of(Random& random, Lone kind) {
  if (kind == Lone::kTrailer) return {{}, {1, 0}, random.uniform(12, 22), random.uniform(4, 7)};
  const double width = kind == Lone::kShed ? random.uniform(5, 11) : random.uniform(10, 24);
  return {{}, {1, 0}, width, width * random.uniform(0.6, 0.95)};
}

void add_lone(Random& random, Scene& scene, Lone kind, const Box& place, Dates dates) {
  Building building;
  building.extent = place;
  building.look = static_cast<uint32_t>(random.below(100000));
  building.dates = dates;
  building.metal = kind != Lone::kHouse ? random.chance(0.7) : random.chance(0.15);
  building.roof = random.chance(0.6) ? Roof::kGable : Roof::kHip;
  if (kind == Lone::kHouse && random.chance(0.6))
    building.wings = house_wings(random, place, scene.metre);
  else
    building.wings.push_back({place, random.uniform(2.4, 4.5) * scene.metre});
  scene.buildings.push_back(std::move(building));
}

/// Adds a lone building where there is room; returns its place.
std::optional<Box> place_lone(Random& random, Scene& scene, Lone kind, Dates dates) {
  const Box sides = sides_of(random, kind);
  const auto place =
      free_place(random, scene, sides.width * scene.metre, sides.depth * scene.metre, random.chance(0.35));
  if (place) add_lone(random, scene, kind, *place, dates);
  return place;
}

Dates dates_of_change(Random& random, double built) {
  return random.chance(built) ? kOnlyAfter : kOnlyBefore;
}

/// Adds buildings that are there at both dates.
void add_neighbours(Random& random, Scene& scene) {
  for (int i = random.weighted({0.35, 0.3, 0.2, 0.15}); i > 0; --i) {
    const Lone kind = random.chance(0.6) ? Lone::kHouse : Lone::kShed;
    const auto place = place_lone(random, scene, kind, kBoth);
    if (place && random.chance(0.6)) add_clearing(random, scene, *place, kBoth);
    if (place && random.chance(0.5)) add_access(random, scene, place->centre, kBoth);
  }
}

}  // namespace

void lone_house_changes(Random& random, Scene& scene) {
  lay_country(random, scene);
  add_neighbours(random, scene);
  const Dates dates = dates_of_change(random, 0.86);
  for (int i = random.weighted({0.68, 0.2, 0.12}) + 1; i > 0; --i) {
    const auto place = place_lone(random, scene, Lone::kHouse, dates);
    if (!place) continue;
    if (random.chance(0.75)) add_clearing(random, scene, *place, random.chance(0.75) ? dates : kBoth);
    if (random.chance(0.6)) add_access(random, scene, place->centre, random.chance(0.7) ? dates : kBoth);
    if (!random.chance(0.3)) continue;
    place_lone(random, scene, Lone::kShed, dates);
  }
}

void sheds_change(Random& random, Scene& scene) {
  if (random.chance(0.5)) {
    lay_country(random, scene);
  } else {
    lay_setting(random, scene);
    fill_with_houses(random, scene, random.uniform(0.3, 1));
  }
  add_neighbours(random, scene);
  const bool rebuilt = random.chance(0.2);
  const Dates dates = dates_of_change(random, 0.75);
  const Lone kind = random.chance(0.65) ? Lone::kShed : Lone::kTrailer;
  for (int i = random.weighted({0.4, 0.3, 0.2, 0.1}) + 1; i > 0; --i) {
    const auto place = place_lone(random, scene, kind, dates);
    if (place && random.chance(0.3)) add_clearing(random, scene, *place, dates);
  }
  if (rebuilt) place_lone(random, scene, Lone::kShed, dates == kOnlyAfter ? kOnlyBefore : kOnlyAfter);
}

void trailers_change(Random& random, Scene& scene) {
  lay_country(random, scene);
  add_neighbours(random, scene);
  const Dates dates = dates_of_change(random, 0.8);
  const double length = random.uniform(13, 21) * scene.metre;
  const double width = random.uniform(4, 7) * scene.metre;
  const double gap = random.uniform(5, 12) * scene.metre;
  const int count = random.between(3, 8);
  const auto park = free_place(random, scene, count * (width + gap), length * 1.3, !scene.roads.empty());
  if (!park) return;
  scene.zones.push_back({park->grown(3 * scene.metre).outline(),
                         random.chance(0.5) ? Ground::kBare : Ground::kLawn,
                         random.chance(0.4) ? kBoth : dates});
  const double new_share = random.chance(0.5) ? 1 : random.uniform(0.3, 0.8);
  for (const double along : marks(-park->width / 2 + (width + gap) / 2, park->width / 2, width + gap)) {
    const Box place{park->at(along, 0.05 * length * random.bell()), park->axis, width, length};
    if (visible_share(place, scene.size) < 0.5) continue;
    add_lone(random, scene, Lone::kTrailer, place, random.chance(new_share) ? dates : kBoth);
  }
  add_access(random, scene, park->centre, random.chance(0.5) ? kBoth : dates);
}

}  // namespace ccexpert::synth

// Lots along roads, and houses on them.
#include <algorithm>
#include <array>

#include "synth/layout.h"

namespace ccexpert::synth {
namespace {

/// Returns the lot whose front is `offset` from the road's middle, towards `side`.
Lot lot_at(Random& random, const SuburbStyle& style, const Station& front, double offset, int side) {
  const Point away = turned(front.along) * side;
  const double width = style.house_width * random.uniform(0.88, 1.08);
  const double depth = style.house_depth * random.uniform(0.88, 1.1);
  const double back = style.setback + style.ragged * random.bell();
  const double deep = style.setback + style.house_depth + style.yard;
  Lot lot;
  // The box's depth must point away from the road: turned(axis) == away.
  const Point axis = front.along * side;
  lot.house = {front.at + away * (offset + back + depth / 2), axis, width, depth};
  lot.ground = {front.at + away * (offset + deep / 2), axis, style.lot_width, deep};
  lot.side = side;
  return lot;
}

bool clashes(const std::vector<Lot>& lots, const Lot& lot, double gap) {
  return std::any_of(lots.begin(), lots.end(), [&](const Lot& other) {
    return overlap(lot.house.grown(gap), other.house) || overlap(lot.house, other.ground.grown(-4)) ||
           overlap(lot.ground.grown(-4), other.house);
  });
}

bool in_reach(const Scene& scene, const Box& box) {
  const double margin = 0.8 * (box.width + box.depth) / 2;
  return box.centre.x > -margin && box.centre.y > -margin && box.centre.x < scene.size + margin &&
         box.centre.y < scene.size + margin;
}

void add_driveway(Random& random, Scene& scene, const Lot& lot, Dates dates) {
  const auto& road = scene.roads[static_cast<size_t>(lot.road)];
  const double wide = random.uniform(4.5, 6.5) * scene.metre;
  const double side =
      (random.chance(0.5) ? 1.0 : -1.0) * (lot.house.width - wide) / 2 * random.uniform(0.5, 0.95);
  const double front = -lot.house.depth / 2 + 0.3 * lot.house.depth;
  const double edge = -(distance(road.line, lot.house.centre) - road.widest() / 2 + 1);
  const Box box{lot.house.at(side, (front + edge) / 2), lot.house.axis, wide, std::max(front - edge, 2.0)};
  scene.patches.push_back(
      {PatchKind::kDriveway, box.outline(), box, static_cast<uint32_t>(random.below(1000)), dates});
  if (random.chance(0.6)) {
    const Point at = box.at(random.uniform(-0.2, 0.2) * wide, random.uniform(-0.3, 0.1) * box.depth);
    const Dates parked{dates[0] && random.chance(0.5), dates[1] && random.chance(0.5)};
    scene.cars.push_back({{at, turned(box.axis), 4.6 * scene.metre, 1.9 * scene.metre},
                          static_cast<uint32_t>(random.below(1000)),
                          parked});
  }
}

void add_yard(Random& random, Scene& scene, const SuburbStyle& style, const Lot& lot, Dates dates) {
  const Box& ground = lot.ground;
  const double half = ground.depth / 2;
  if (random.chance(style.fences)) {
    const double front = -half + style.setback + 0.6 * style.house_depth;
    const double side = ground.width / 2;
    scene.fences.push_back(
        {{ground.at(-side, front), ground.at(-side, half), ground.at(side, half), ground.at(side, front)},
         dates});
  }
  const double yard = half - style.yard / 2;
  if (random.chance(0.45)) {
    const double along = 0.3 * lot.house.width * random.uniform(-1, 1);
    const Box patio{lot.house.at(along, lot.house.depth / 2 + 1.5 * scene.metre), ground.axis,
                    random.uniform(3, 6) * scene.metre, random.uniform(3, 5) * scene.metre};
    add_patch(random, scene, PatchKind::kPath, patio, dates);
  }
  if (random.chance(style.pools)) {
    const Box pool{ground.at(0.15 * ground.width * random.bell(), yard), ground.axis,
                   random.uniform(8, 11) * scene.metre, random.uniform(4.5, 6.5) * scene.metre};
    add_patch(random, scene, PatchKind::kPool, pool, dates);
    return;
  }
  for (int i = random.between(0, 2 + static_cast<int>(9 * style.shade)); i > 0; --i) {
    const std::array<double, 3> depths{yard + 0.45 * style.yard * random.uniform(-1, 1),
                                       -half + random.uniform(0.2, 0.8) * style.setback,
                                       -half + style.setback + random.uniform(0, 1) * style.house_depth};
    const int place = random.weighted({0.6, 0.2, 0.2});  // behind the house, before it, beside it
    const double along = place < 2 ? random.uniform(-0.48, 0.48) : random.chance(0.5) ? 0.5 : -0.5;
    scene.trees.push_back({ground.at(along * ground.width, depths[static_cast<size_t>(place)]),
                           random.uniform(1.2, 2.4 + 3.6 * style.shade) * scene.metre,
                           static_cast<uint32_t>(random.below(100000)), dates, true});
  }
}

/// Makes most suburbs narrow lots with deep houses, and some of them acres with a ranch house on each.
void settle_in_texas(Random& random, double metre, SuburbStyle& style) {
  const int kind = random.weighted({0.55, 0.2, 0.25});
  if (kind == 0) {
    style.house_width = random.uniform(11, 14.5) * metre;
    style.house_depth = random.uniform(15, 20) * metre;
    style.lot_width = style.house_width + random.uniform(2.5, 4.5) * metre;
    style.fences = random.chance(0.85) ? random.uniform(0.7, 1) : 0;
  }
  if (kind == 2) {
    style.house_width = random.uniform(17, 27) * metre;
    style.house_depth = random.uniform(12, 18) * metre;
    style.lot_width = style.house_width + random.uniform(9, 26) * metre;
    style.setback = random.uniform(8, 22) * metre;
    style.yard = random.uniform(14, 34) * metre;
    style.ragged = random.uniform(1, 5) * metre;
    style.fences = random.chance(0.3) ? 0.4 : 0;
    style.shade = random.uniform(0.3, 1);
  }
}

}  // namespace

std::vector<Wing> house_wings(Random& random, const Box& house, double metre) {
  const double height = random.uniform(3.2, 5.5) * metre;
  const int plan = random.weighted({0.2, 0.35, 0.3, 0.15});
  if (plan == 0) return {{house, height}};
  const double body = random.uniform(0.62, 0.75);
  const double flip = random.chance(0.5) ? 1.0 : -1.0;
  std::vector<Wing> parts{
      {{house.at(0, (1 - body) / 2 * house.depth), house.axis, house.width, body * house.depth}, height}};
  const double share = random.uniform(0.38, 0.5);
  const auto add = [&](double side, double reach) {
    const double width = share * house.width;
    const double along = side * (house.width - width) / 2;
    parts.push_back({{house.at(along, (reach - 1) / 2 * house.depth), house.axis, width, reach * house.depth},
                     height * 0.95});
  };
  add(flip, random.uniform(0.8, 0.95));
  if (plan == 2) add(-flip, random.uniform(0.5, 0.65));
  if (plan == 3) {
    parts.push_back({{house.at(-flip * 0.22 * house.width, 0.14 * house.depth), house.axis,
                      house.width * 0.45, 0.72 * house.depth},
                     height * 1.25});
  }
  return parts;
}

SuburbStyle suburb_style(Random& random, const Scene& scene) {
  const double m = scene.metre;
  SuburbStyle style;
  style.house_width = random.uniform(12.5, 17) * m;
  style.house_depth = random.uniform(14, 19) * m;
  style.lot_width = style.house_width + random.uniform(3, random.chance(0.25) ? 14 : 6) * m;
  style.setback = random.uniform(5, 8) * m;
  style.yard = random.uniform(7, 15) * m;
  style.ragged = random.uniform(0, 1.2) * m;
  style.roof = random.chance(0.72) ? Roof::kHip : Roof::kGable;
  style.look = static_cast<uint32_t>(random.below(100000));
  style.pools = random.chance(0.3) ? random.uniform(0.05, 0.4) : 0;
  style.shade = random.chance(0.4) ? random.uniform(0, 0.3) : random.uniform(0.2, 1);
  style.fences = random.chance(0.7) ? random.uniform(0.6, 1) : 0;
  if (scene.world == World::kTexas) settle_in_texas(random, m, style);
  return style;
}

std::vector<Lot> lots_along(Random& random, const Scene& scene, const SuburbStyle& style) {
  std::vector<Lot> lots;
  const double gap = 1.6 * scene.metre;
  for (size_t index = 0; index < scene.roads.size(); ++index) {
    const auto& road = scene.roads[index];
    const double end = line_length(road.line) - road.bulb;
    const double offset = road.widest() / 2 + (road.sidewalk ? 2.2 * scene.metre : 0);
    for (const int side : {1, -1}) {
      // Places are tried a third of a lot apart; a lot that fits uses its whole width.
      const auto places = marks(random.uniform(0, style.lot_width), end, style.lot_width / 3);
      for (size_t place = 0; place < places.size(); ++place) {
        const double at = places[place];
        Lot lot = lot_at(random, style, station(road.line, at), offset, side);
        lot.road = static_cast<int>(index);
        lot.along = at;
        if (!in_reach(scene, lot.house) || clashes(lots, lot, gap) || !is_free(scene, lot.house, gap))
          continue;
        lots.push_back(lot);
        place += 2;
      }
    }
  }
  return lots;
}

void spare_trees(Random& random, Scene& scene, double share) {
  for (auto& tree : scene.trees) tree.yard = tree.yard || random.chance(share);
}

void add_house(Random& random, Scene& scene, const SuburbStyle& style, const Lot& lot, Dates dates,
               bool on_grass) {
  if (!on_grass) scene.zones.push_back({lot.ground.outline(), Ground::kLawn, dates});
  Building house;
  house.wings = house_wings(random, lot.house, scene.metre);
  house.extent = lot.house;
  house.roof = random.chance(0.8) ? style.roof : Roof::kHip;
  house.look = random.chance(0.7) ? style.look : static_cast<uint32_t>(random.below(100000));
  house.road = lot.road;
  house.side = lot.side;
  house.along = lot.along;
  house.dates = dates;
  scene.buildings.push_back(std::move(house));
  add_driveway(random, scene, lot, dates);
  add_yard(random, scene, style, lot, dates);
}

}  // namespace ccexpert::synth

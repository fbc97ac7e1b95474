#include "synth/relations.h"

#include <algorithm>
#include <map>
#include <set>

namespace ccexpert::synth {
namespace {

using Buildings = std::vector<const Building*>;

/// Places of houses along each side of each road.
using Sides = std::map<std::pair<int, int>, std::vector<double>>;

const Road& road_of(const Scene& scene, const Building& house) {
  return scene.roads[static_cast<size_t>(house.road)];
}

/// Returns the index of the road along which the house is, one for all pieces of a road.
int whole_road(const Scene& scene, const Building& house) {
  const int whole = road_of(scene, house).whole;
  return whole < 0 ? house.road : whole;
}

/// Returns the place of a house along that road, over all of its pieces.
double place_along(const Scene& scene, const Building& house) {
  return road_of(scene, house).start + house.along;
}

Sides sides_of(const Scene& scene, const Buildings& houses) {
  Sides sides;
  for (const auto* house : houses)
    sides[{whole_road(scene, *house), house->side}].push_back(place_along(scene, *house));
  for (auto& [side, places] : sides) std::sort(places.begin(), places.end());
  return sides;
}

/// Returns the number of rows of three or more neighbours, or 0 if more than a sixth of the houses is in
/// none.
int rows_of(const Sides& sides, double reach) {
  size_t rows = 0;
  size_t houses = 0;
  size_t alone = 0;
  for (const auto& [side, places] : sides) {
    size_t from = 0;
    for (size_t i = 1; i <= places.size(); ++i) {
      if (i < places.size() && places[i] - places[i - 1] < reach) continue;
      houses += i - from;
      (i - from < 3 ? alone : rows) += i - from < 3 ? i - from : 1;
      from = i;
    }
  }
  return alone * 6 > houses ? 0 : static_cast<int>(rows);
}

/// True if each road has houses on both of its sides.
bool on_both_sides(const Sides& sides) {
  return std::all_of(sides.begin(), sides.end(), [&](const auto& side) {
    const auto other = sides.find({side.first.first, -side.first.second});
    return other != sides.end();
  });
}

/// True if houses that are there at both dates are next to the house on both of its sides.
bool is_between(const Scene& scene, const Building& house) {
  const double reach = 2.2 * house.extent.width;
  const auto has = [&](double sign) {
    return std::any_of(scene.buildings.begin(), scene.buildings.end(), [&](const Building& other) {
      if (other.road < 0 || other.dates != kBoth || other.side != house.side) return false;
      const double ahead = sign * (place_along(scene, other) - place_along(scene, house));
      return whole_road(scene, other) == whole_road(scene, house) && ahead > 0 && ahead < reach &&
             visible_share(other.extent, scene.size) > 0.5;
    });
  };
  return has(1) && has(-1);
}

bool is_in(const Scene& scene, Point point) {
  return point.x >= 0 && point.y >= 0 && point.x < scene.size && point.y < scene.size;
}

/// Returns the parts of a line that are in the frame.
std::vector<Polyline> visible_parts(const Scene& scene, const Polyline& line) {
  std::vector<Polyline> parts(1);
  for (const double at : marks(0, line_length(line), 3)) {
    const Point point = station(line, at).at;
    if (is_in(scene, point))
      parts.back().push_back(point);
    else if (!parts.back().empty())
      parts.emplace_back();
  }
  std::erase_if(parts, [](const Polyline& part) { return part.size() < 2; });
  return parts;
}

void relate_to_streets(const Scene& scene, const Buildings& houses, int date, Fact& fact) {
  if (!std::all_of(houses.begin(), houses.end(), [&](const auto* house) {
        const Road& road = road_of(scene, *house);
        return stands(road.dates, date) && is_seen(scene, road);
      }))
    return;
  const auto sides = sides_of(scene, houses);
  std::set<int> roads;
  for (const auto* house : houses) roads.insert(whole_road(scene, *house));
  fact.roads = static_cast<int>(roads.size());
  fact.roadside = fact.roads == 1 ? Roadside::kAlong : Roadside::kAlongSeveral;
  fact.new_road = std::all_of(houses.begin(), houses.end(),
                              [&](const auto* house) { return road_of(scene, *house).dates == kOnlyAfter; });
  fact.between = houses.size() == 1 && is_between(scene, *houses.front());
  fact.one_side = sides.size() == 1 && houses.size() > 1;
  fact.rows = rows_of(sides, 2.2 * houses.front()->extent.width);
  // One row has one side, also if a lone house is across the road.
  fact.both_sides = fact.rows != 1 && on_both_sides(sides);
}

/// True if a part of the road in the frame is within 15 m of the box.
bool is_near(const Scene& scene, const Road& road, const Box& box) {
  const double reach = road.widest() / 2 + kNearMetres * scene.metre;
  if (distance(road.line, box) >= reach) return false;
  const auto parts = visible_parts(scene, road.line);
  return std::any_of(parts.begin(), parts.end(),
                     [&](const Polyline& part) { return distance(part, box) < reach; });
}

/// Returns the largest distance of the visible part of a line from its chord, as a share of the chord.
double bend_of(const Scene& scene, const Polyline& line) {
  Polyline inside;
  for (const auto& part : visible_parts(scene, line)) inside.insert(inside.end(), part.begin(), part.end());
  constexpr size_t kFewest = 8;
  if (inside.size() < kFewest) return 0;
  const Point chord = inside.back() - inside.front();
  const Point across = turned(unit(chord));
  double most = 0;
  for (const Point point : inside) most = std::max(most, std::abs(dot(point - inside.front(), across)));
  return most / std::max(length(chord), 1.0);
}

/// True if no point of the road in the frame is within 30 m of another road.
bool keeps_away(const Scene& scene, const Road& road, const Road& other) {
  constexpr double kMetres = 30;
  const auto parts = visible_parts(scene, road.line);
  return std::all_of(parts.begin(), parts.end(), [&](const Polyline& part) {
    return std::all_of(part.begin(), part.end(),
                       [&](Point point) { return distance(other.line, point) > kMetres * scene.metre; });
  });
}

/// True if the roads have one direction and are beside each other, unlike two that leave a third road to both
/// of its sides.
bool are_parallel(const Scene& scene, const std::vector<const Road*>& roads) {
  const auto along = [](const Road& road) { return station(road.line, line_length(road.line) / 2).along; };
  const Point first = along(*roads.front());
  return std::all_of(roads.begin(), roads.end(), [&](const Road* road) {
    return std::abs(dot(along(*road), first)) > 0.96 &&
           std::all_of(roads.begin(), roads.end(),
                       [&](const Road* other) { return other == road || keeps_away(scene, *road, *other); });
  });
}

/// True if `branch` begins on `main`, inside the frame.
bool joins(const Scene& scene, const Road& branch, const Road& main) {
  const Point start = branch.line.front();
  return is_in(scene, start) && distance(main.line, start) < main.widest() / 2 + 1;
}

/// True if two branches begin at one place of the third road, to both of its sides.
bool cross(const Scene& scene, const Road& main, const Road& one, const Road& two) {
  const auto away = [](const Road& road) { return station(road.line, 0).along; };
  return joins(scene, one, main) && joins(scene, two, main) &&
         length(one.line.front() - two.line.front()) < main.widest() / 2 && dot(away(one), away(two)) < -0.5;
}

bool cross(const Scene& scene, const std::vector<const Road*>& three) {
  return cross(scene, *three[0], *three[1], *three[2]) || cross(scene, *three[1], *three[0], *three[2]) ||
         cross(scene, *three[2], *three[0], *three[1]);
}

}  // namespace

bool is_seen(const Scene& scene, const Road& road) {
  double seen = 0;
  for (const auto& part : visible_parts(scene, road.line)) seen += line_length(part);
  return seen > 10 * scene.metre;
}

bool are_among(const Scene& scene, const Buildings& buildings, const Buildings& others) {
  constexpr double kMetres = 40;
  return std::all_of(buildings.begin(), buildings.end(), [&](const auto* building) {
    return std::count_if(others.begin(), others.end(), [&](const auto* other) {
             return length(other->extent.centre - building->extent.centre) < kMetres * scene.metre;
           }) >= 3;
  });
}

bool near_roads(const Scene& scene, const std::vector<Box>& boxes, int date) {
  return std::all_of(boxes.begin(), boxes.end(), [&](const Box& box) {
    return std::any_of(scene.roads.begin(), scene.roads.end(), [&](const Road& road) {
      return stands(road.dates, date) && is_near(scene, road, box);
    });
  });
}

void relate_buildings(const Scene& scene, const std::vector<const Building*>& buildings, int date,
                      Fact& fact) {
  if (std::all_of(buildings.begin(), buildings.end(), [](const auto* each) { return each->road >= 0; })) {
    relate_to_streets(scene, buildings, date, fact);
    if (fact.roadside != Roadside::kNone) return;
  }
  std::vector<Box> boxes;
  for (const auto* building : buildings) boxes.push_back(building->extent);
  if (near_roads(scene, boxes, date)) fact.roadside = Roadside::kNear;
}

RoadForm form_of(const Scene& scene, const std::vector<const Road*>& roads) {
  if (roads.size() == 1) {
    const double bend = bend_of(scene, roads.front()->line);
    if (bend < 0.02) return RoadForm::kStraight;
    return bend > 0.1 ? RoadForm::kWinding : RoadForm::kAny;
  }
  int joints = 0;
  for (const auto* branch : roads) {
    for (const auto* main : roads) joints += branch != main && joins(scene, *branch, *main) ? 1 : 0;
  }
  if (joints == 0) return are_parallel(scene, roads) ? RoadForm::kParallel : RoadForm::kAny;
  if (joints == 1 && roads.size() == 2) return RoadForm::kTee;
  return roads.size() == 3 && cross(scene, roads) ? RoadForm::kCrossing : RoadForm::kAny;
}

bool extends(const Scene& scene, const std::vector<const Road*>& roads) {
  if (roads.size() != 1) return false;
  const Point start = roads.front()->line.front();
  return is_in(scene, start) && std::any_of(scene.roads.begin(), scene.roads.end(), [&](const Road& road) {
           return road.dates == kBoth && length(road.line.back() - start) < 2;
         });
}

}  // namespace ccexpert::synth
